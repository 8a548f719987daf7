"""An ASGI application that does nothing with what it reads."""

from typing import Any

ANSWER = b'{"success":true}'
HEAD = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(ANSWER))],
}
BODY = {"type": "http.response.body", "body": ANSWER}


async def app(_scope: Any, receive: Any, send: Any) -> None:
    """Answer 200 after the last byte of the body."""
    while (await receive()).get("more_body"):
        pass
    await send(HEAD)
    await send(BODY)
