"""A Segment for these tests: what it was posted, and answers from a plan."""

import gzip
import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Raw
from msgspec.structs import replace

from trackside.destinations.base import Delivery, Outcome
from trackside.destinations.segment import Segment, SegmentSettings
from trackside.event import EMITTED, Event
from trackside.outbound.base import Answer, Failed, Outgoing
from trackside.testing.destination_contract import make_event
from trackside.testing.outbound import FakeClient, answer

KEY = "SEGMENTKEY"
NOW = datetime(2026, 11, 20, 19, 25, 0, tzinfo=UTC)
_ID = re.compile(rb'"messageId":"([^"]+)"')

Plan = Callable[[Sequence[str]], Answer | Failed]
"""From the ids of the calls in a request to its answer."""


def body_of(request: Outgoing) -> bytes:
    """Return the body, its content encoding undone."""
    return gzip.decompress(request.body) if ("Content-Encoding", "gzip") in request.headers else request.body


def ids_of(request: Outgoing) -> list[str]:
    """Return the message ids in a request, whatever else may be in it."""
    return [match.decode() for match in _ID.findall(body_of(request))]


class Place:
    """Takes batches as `plan` says, and remembers what it took."""

    def __init__(self, plan: Plan = lambda ids: answer()) -> None:
        self.plan = plan
        self.taken: list[str] = []
        self.asked: list[list[str]] = []
        self.clients: list[FakeClient] = []

    def make_client(self) -> FakeClient:
        """Return a client that reaches this place."""
        self.clients.append(FakeClient(self._reply))
        return self.clients[-1]

    @property
    def requests(self) -> list[Outgoing]:
        """Everything that was sent here."""
        return [request for client in self.clients for request in client.requests]

    def bodies(self) -> list[dict[str, Any]]:
        """Return the requests' bodies, decoded."""
        return [json.loads(body_of(request)) for request in self.requests]

    def calls(self) -> list[dict[str, Any]]:
        """Return all calls, decoded."""
        return [call for body in self.bodies() for call in body["batch"]]

    def _reply(self, request: Outgoing) -> Answer | Failed:
        ids = ids_of(request)
        self.asked.append(ids)
        reply = self.plan(ids)
        if isinstance(reply, Answer) and 200 <= reply.status < 300:
            self.taken += ids
        return reply


class Clock:
    """A clock that goes on by a step each time somebody looks at it."""

    def __init__(self, step_s: float = 0.0) -> None:
        self.step_s = step_s
        self.at = 0.0

    def __call__(self) -> float:
        """Return the time."""
        self.at += self.step_s
        return self.at


def make_segment(place: Place, *, step_s: float = 0.0, **settings: Any) -> Segment:
    """Return a destination that sends to `place`."""
    given = SegmentSettings(write_key=KEY, **settings)
    return Segment(given, place.make_client, now=lambda: NOW, monotonic=Clock(step_s))


async def send(place: Place, deliveries: Sequence[Delivery], **settings: Any) -> list[Outcome]:
    """Return what becomes of the deliveries, sent by a new destination."""
    segment = make_segment(place, **settings)
    await segment.open(None)
    outcomes = await segment.send(deliveries)
    await segment.close()
    return list(outcomes)


def emitted(number: int = 1, data: bytes = b"{}", context: bytes = b'{"user_id":7}', **fields: Any) -> Event:
    """Return an event as the platform's own tracker emits it, of the user 7."""
    given = {"name": "edx.x", "user_id": "7", "extra": EMITTED} | fields
    return replace(make_event(number), data=Raw(data), context=Raw(context), **given)
