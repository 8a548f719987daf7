"""Requests as Segment's servers send them, and a webhook to receive them."""

import json
from collections.abc import Collection
from typing import Any

from trackside.config.settings import LimitSettings
from trackside.sources.base import Decoded, Request
from trackside.sources.segment_webhook import SegmentWebhook, SegmentWebhookSettings
from trackside.testing.source_contract import decode as decode_with_users
from trackside.testing.source_contract import request_of
from trackside.users.base import InvalidUserIdError, NotLoadedError, User, Wanted

SECRET = "anything"
PATH = "/segmentio/event"
COURSE = "course-v1:edX+DemoX+2024"
JSON = {
    b"content-type": b"application/json",
    b"host": b"lms.example.org:8000",
    b"user-agent": b"Segment.io/1.0",
}


class Accounts:
    """A directory of a few users, which has to load each before it knows it; ids are read as Django reads them."""

    def __init__(self, **names: int) -> None:
        self.ids = {user_id: name for name, user_id in names.items()}
        self.loaded: dict[int, User | None] = {}
        self.questions: list[frozenset[Wanted]] = []

    def user(self, user_id: object) -> User | None:
        """Return the account where it was loaded."""
        try:
            key = int(user_id)  # type: ignore[call-overload]
        except (TypeError, ValueError, OverflowError):
            raise InvalidUserIdError from None
        if key not in self.loaded:
            raise NotLoadedError(Wanted("id", key))
        return self.loaded[key]

    def named(self, username: str) -> User | None:
        """Segment's calls name nobody."""
        raise NotImplementedError

    def load(self, wanted: Collection[Wanted]) -> None:
        """Remember the question and its answers."""
        self.questions.append(frozenset(wanted))
        for each in wanted:
            assert isinstance(each.value, int)
            name = self.ids.get(each.value)
            self.loaded[each.value] = None if name is None else User(each.value, name)


def call(**members: Any) -> dict[str, Any]:
    """Return a call of the current generation as an app makes it; a member given as ... is left out."""
    made: dict[str, Any] = {
        "userId": 10,
        "event": "Did something",
        "type": "track",
        "channel": "server",
        "messageId": "mmm",
        "projectId": "ppp",
        "version": 2,
        "properties": properties(),
        "context": {
            "library": {"name": "analytics-android", "version": "4"},
            "app": {"version": "3.1"},
            "userAgent": "okhttp",
            "traits": {"email": "x@y.z"},
            "integrations": {"All": True},
        },
        "integrations": {},
        "options": {},
        "receivedAt": "2024-05-06T07:08:11.456Z",
        "timestamp": "2024-05-06T07:08:09.123Z",
        "originalTimestamp": "2024-05-06T07:08:09.000Z",
        "sentAt": "2024-05-06T07:08:11.300Z",
        **members,
    }
    return {key: value for key, value in made.items() if value is not ...}


def properties(**members: Any) -> dict[str, Any]:
    """Return properties as an app sends them; a member given as ... is left out."""
    made = {
        "name": "edx.bi.app.something",
        "data": {"code": "mobile"},
        "context": {"course_id": COURSE, "app_name": "edx.mobileapp.android"},
        **members,
    }
    return {key: value for key, value in made.items() if value is not ...}


def settings(**members: Any) -> SegmentWebhookSettings:
    """Return settings of a webhook with the secret of these tests."""
    return SegmentWebhookSettings(**{"secret": SECRET, **members})


def source(users: Any = None, **members: Any) -> SegmentWebhook:
    """Return the source with these settings; `limits` are the server's."""
    limits = members.pop("limits", LimitSettings())
    directory = users or Accounts(honor=10)
    return SegmentWebhook(
        "mobile", settings(**members), directory, limits=limits, random_bits=lambda bits: (1 << bits) - 1
    )


def post(body: Any, *, query: bytes = b"key=anything", method: str = "POST", **headers: bytes) -> Request:
    """Return a request with this body, JSON unless it is bytes already."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {name.replace("_", "-").encode(): value for name, value in headers.items()}
    return request_of(method, PATH, content, {**JSON, **given}, query=query, client_ip="198.51.100.7")


def receive(body: Any, *, users: Any = None, **members: Any) -> Decoded:
    """Return what a webhook with these settings makes of a body."""
    return decode_with_users(source(users, **members), post(body))


def reasons(decoded: Decoded) -> list[str]:
    """Return the reasons of the rejects."""
    return [reject.reason for reject in decoded.rejects]
