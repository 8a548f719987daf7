"""The answers. What each SDK makes of them was measured: only 200 with a JSON object is success to all of
them, and only a 400 whose body says code, message and error is given up by all of them but Go's.
"""

from base64 import b64decode

import msgspec

from trackside.sources.base import Reply
from trackside.sources.refusal import Refusal

OK = Reply(status=200, body=b'{"success": true}')
"""Everything was taken; also where items were refused, because no SDK can do anything about that."""
PIXEL = Reply(
    status=200,
    body=b64decode(b"R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw=="),
    content_type=b"image/gif",
    headers=((b"cache-control", b"no-store"),),
)
"""A transparent picture of one point."""


def failure(status: int, code: str, message: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Reply:
    """Return an answer that says no, in the words that every SDK looks for."""
    body = msgspec.json.encode({"success": False, "code": code, "message": message, "error": message})
    return Reply(status=status, body=body, headers=headers)


def refused(refusal: Refusal) -> Reply:
    """Return the answer to a request that will never be taken."""
    return failure(400, refusal.reason, refusal.detail)
