"""What goes out is what Trackside's own Segment API takes in: the same events."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.destinations.segment.place import KEY, Place, body_of, emitted, send
from tests.sources.segment_api.requests import basic, batch, decode, post
from tests.sources.segment_api.test_agreement import ITEMS
from tests.sources.segment_api.test_captures import FILES, recorded
from trackside.config.settings import LimitSettings
from trackside.destinations.base import DELIVERED, Delivery
from trackside.event import Event
from trackside.sources.base import Decoded
from trackside.sources.segment_api import SegmentApi

OTHERS_SAID = {"timestamp", "receivedAt", "messageId"}
"""What another server said of the event; it is said anew by each."""
SOURCE = SegmentApi({KEY: "second"}, limits=LimitSettings())


def taken_in(events: Sequence[Event]) -> list[Event]:
    """Return the events that a second server makes of those that a destination sends it."""
    place = Place()
    deliveries = [Delivery(number, event) for number, event in enumerate(events)]
    found = asyncio.run(send(place, deliveries))
    assert found == [DELIVERED] * len(events)
    taken: list[Event] = []
    for request in place.requests:
        headers = {name.lower().encode(): value.encode() for name, value in request.headers}
        decoded: Decoded = decode(post("/v1/batch", body_of(request), headers), SOURCE)
        assert decoded.reply.status == 200
        assert not decoded.rejects
        taken += decoded.events
    return taken


def meaning(event: Event) -> dict[str, Any]:
    """Return what must be the same on both sides."""
    extra = event.decoded_extra()
    return {
        "id": event.id,
        "name": event.name,
        "type": event.type,
        "timestamp": event.timestamp,
        "user_id": event.user_id,
        "anonymous_id": event.anonymous_id,
        "data": event.decoded_data(),
        "context": event.decoded_context(),
        "extra": {name: value for name, value in extra.items() if name not in OTHERS_SAID},
    }


def assert_same(events: Sequence[Event]) -> None:
    """Assert that a second server knows what the first knew."""
    assert [meaning(event) for event in taken_in(events)] == [meaning(event) for event in events]


@given(st.lists(ITEMS, min_size=1, max_size=4))
@example([{"type": "page", "userId": "u", "name": "A", "properties": {"name": "B"}}])
@example([{"type": "page", "userId": "u", "event": None, "name": {"odd": 1}, "properties": {"name": "B"}}])
@example([{"type": "identify", "userId": "u", "traits": {}, "context": {"traits": {"a": 1}}}])
@example([{"type": "track", "event": "E", "userId": "u", "messageId": "x" * 101, "origin": "tracker"}])
def test_any_event(items: list[dict[str, Any]]) -> None:
    """Whatever the API took in, its own destination sends so that it is taken in as the same."""
    assert_same(decode(post("/v1/batch", batch(*items), basic())).events)


@pytest.mark.parametrize("name", FILES)
def test_what_sdks_sent(name: str) -> None:
    """The calls of real SDKs."""
    for request, _ in recorded(name):
        if events := decode(request).events:
            assert_same(events)


def test_an_emitted_event() -> None:
    """It arrives as the track call of Open edX's backend, and not as one that the second platform emitted."""
    event = emitted(1, b'{"a":1}', b'{"user_id":7,"ip":"203.0.113.7"}')
    (arrived,) = taken_in([event])
    assert (arrived.id, arrived.name, arrived.type) == (event.id, event.name, "track")
    assert (arrived.timestamp, arrived.user_id) == (event.timestamp, "7")
    assert arrived.decoded_context() == {"ip": "203.0.113.7"}
    assert arrived.decoded_data()["data"] == {"a": 1}
    assert arrived.decoded_extra() == {}
