"""Requests of pages for these tests."""

import json
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlencode

from trackside.config.settings import LimitSettings
from trackside.event import Event, Reject
from trackside.sources.base import Decoded, NeedsUsers, Request
from trackside.sources.browser import Browser, BrowserSettings
from trackside.testing.source_contract import check_decoded, request_of
from trackside.users.anybody import Anybody
from trackside.users.base import Directory, NotLoadedError, User, Wanted

LIMITS = LimitSettings()
PAGE = "https://lms.example.org/courses/course-v1:edX+DemoX+2024/courseware/"
SAID: dict[str, Any] = {"event_type": "seq_next", "event": '{"old": 1, "new": 2}', "page": PAGE}
FORM = b"application/x-www-form-urlencoded"
PLAIN = b"text/plain;charset=UTF-8"


class Accounts:
    """A directory in memory that has to be asked once for each user."""

    def __init__(self, **ids: int | str) -> None:
        self._ids = ids
        self._loaded: set[Wanted] = set()

    def user(self, user_id: object) -> User | None:
        """Return nobody: no browser is believed an id."""
        raise AssertionError

    def named(self, username: str) -> User | None:
        """Return the user of this name, once that was loaded."""
        wanted = Wanted("username", username)
        if wanted not in self._loaded:
            raise NotLoadedError(wanted)
        return User(self._ids[username], username) if username in self._ids else None

    def load(self, wanted: Collection[Wanted]) -> None:
        """Look users up."""
        self._loaded.update(wanted)


def make_source(
    limits: LimitSettings = LIMITS,
    *,
    directory: Directory | None = None,
    public_url: str = "",
    **settings: Any,
) -> Browser:
    """Return a source whose ids are the same every time."""
    return Browser(
        "web",
        BrowserSettings(**settings),
        limits=limits,
        directory=directory or Anybody(),
        public_url=public_url,
        random_bits=lambda bits: bits,
    )


def post(
    body: bytes | str, content_type: bytes = FORM, headers: Mapping[bytes, bytes] | None = None
) -> Request:
    """Return a POST of `body`."""
    text = body.encode() if isinstance(body, str) else body
    return request_of("POST", "/event", text, {b"content-type": content_type, **(headers or {})})


def get(query: bytes, headers: Mapping[bytes, bytes] | None = None) -> Request:
    """Return a GET with `query`."""
    return request_of("GET", "/event", b"", headers, query=query)


def form(**fields: str) -> Request:
    """Return a form with a good event, and `fields` over its own."""
    return post(urlencode({**SAID, **fields}))


def multipart(fields: Mapping[str, str], boundary: str = "b0undary") -> bytes:
    """Return a form as `new FormData()` is sent."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return ("".join(parts) + f"--{boundary}--\r\n").encode()


def decode(request: Request, source: Browser | None = None) -> Decoded:
    """Return what `request` leads to, checked against what every part after a source relies on."""
    chosen = source or make_source()
    decoded = chosen.decode(request)
    if isinstance(decoded, NeedsUsers):
        assert decoded.source == "web"
        decoded.directory.load(decoded.wanted)
        decoded = chosen.decode(request)
    assert isinstance(decoded, Decoded)
    check_decoded(decoded, request)
    return decoded


def accepted(request: Request, source: Browser | None = None) -> Event:
    """Return the event in `request`."""
    decoded = decode(request, source)
    assert (decoded.reply.status, decoded.reply.body) == (200, b"success"), decoded.rejects
    (event,) = decoded.events
    return event


def refused(request: Request, source: Browser | None = None) -> tuple[int, Reject]:
    """Return the status and the reject `request` leads to."""
    decoded = decode(request, source)
    assert not decoded.events
    assert decoded.reply.body
    (reject,) = decoded.rejects
    return decoded.reply.status, reject


def data_of(event: Event) -> Any:
    """Return an event's data as whoever emitted it would see it."""
    data = event.decoded_data()
    return data["value"] if b"value" in bytes(event.extra) else data


def as_json(**members: Any) -> str:
    """Return a good event as JSON, with `members` over its own."""
    return json.dumps({**SAID, **members})
