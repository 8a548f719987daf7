"""What of a call goes where in the event."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import Raw

from tests.sources.segment_api.requests import (
    KEY,
    LIMITS,
    SENT_AT,
    basic,
    batch,
    decode,
    one,
    only,
    post,
    track,
)
from trackside.clock import Flag
from trackside.event import EMITTED, EMITTED_VALUE
from trackside.sources.segment_api import SegmentApi
from trackside.testing.source_contract import RECEIVED_AT

BASE: dict[str, Any] = {"userId": "u", "messageId": "m"}


def test_a_track_call() -> None:
    """Name and data are the call's; everything else has its place."""
    event = one(
        track(anonymousId="a", integrations={"All": False}, _metadata={"nodeVersion": "20"}, channel="server")
    )
    assert (event.id, event.name, event.type, event.source) == ("message-1", "Item Purchased", "track", "web")
    assert (event.user_id, event.anonymous_id) == ("user-1", "a")
    assert event.decoded_data() == {"revenue": 14.99}
    assert event.decoded_context() == {"library": {"name": "analytics-python", "version": "2.4.0"}}
    assert event.decoded_extra() == {
        "integrations": {"All": False},
        "_metadata": {"nodeVersion": "20"},
        "channel": "server",
    }
    assert (event.original_timestamp, event.sent_at) == ("2026-11-20T19:24:55.219Z", SENT_AT)
    assert event.received_at == RECEIVED_AT
    assert event.timestamp == RECEIVED_AT - timedelta(milliseconds=781)
    assert event.skew_ms == 4_000


@pytest.mark.parametrize(
    ("call", "name", "data", "extra"),
    [
        ({"type": "identify", "traits": {"a": 1}}, "identify", {"a": 1}, {}),
        ({"type": "identify"}, "identify", {}, {}),
        ({"type": "identify", "context": {"traits": {"b": 1}}}, "identify", {"b": 1}, {}),
        ({"type": "identify", "traits": None, "context": {"traits": {"b": 1}}}, "identify", {"b": 1}, {}),
        ({"type": "identify", "traits": {"a": 1}, "context": {"traits": {"b": 1}}}, "identify", {"a": 1}, {}),
        ({"type": "identify", "context": {"traits": 7}}, "identify", {}, {}),
        ({"type": "group", "groupId": "g", "traits": {"a": 1}}, "group", {"a": 1}, {"groupId": "g"}),
        ({"type": "group", "groupId": "g", "context": {"traits": {"b": 1}}}, "group", {}, {"groupId": "g"}),
        ({"type": "alias", "previousId": "p"}, "alias", {}, {"previousId": "p"}),
        ({"type": "alias", "previousId": "u"}, "alias", {}, {"previousId": "u"}),
        ({"type": "page", "properties": {"a": 1}}, "page", {"a": 1}, {}),
        ({"type": "page", "name": "N", "category": "C"}, "page", {"name": "N", "category": "C"}, {}),
        (
            {"type": "page", "name": "N", "properties": {"name": "N", "a": 1}},
            "page",
            {"name": "N", "a": 1},
            {},
        ),
        ({"type": "page", "name": "N", "properties": {"name": None}}, "page", {"name": "N"}, {}),
        ({"type": "page", "name": "N", "properties": {"name": "M"}}, "page", {"name": "M"}, {"name": "N"}),
        ({"type": "screen", "name": "N", "properties": {"a": 1}}, "screen", {"a": 1, "name": "N"}, {}),
        ({"type": "screen", "category": "C"}, "screen", {"category": "C"}, {}),
        # what a call of this type has no use for is kept under its own name
        ({"type": "identify", "properties": {"a": 1}}, "identify", {}, {"properties": {"a": 1}}),
        ({"type": "page", "traits": {"a": 1}}, "page", {}, {"traits": {"a": 1}}),
        ({"type": "page", "event": "E"}, "page", {}, {"event": "E"}),
        (
            {"type": "track", "event": "E", "name": "N", "category": "C"},
            "E",
            {},
            {"name": "N", "category": "C"},
        ),
        ({"type": "track", "event": "E", "groupId": "g"}, "E", {}, {"groupId": "g"}),
        ({"type": "track", "event": "E", "version": 2}, "E", {}, {"version": 2}),
        ({"type": "track", "event": "E", "integrations": False}, "E", {}, {"integrations": False}),
        ({"type": "track", "event": "E", "new": {"a": [1]}}, "E", {}, {"new": {"a": [1]}}),
        ({"type": "track", "event": "E", "name": {"a": 1}}, "E", {}, {"name": {"a": 1}}),
        (
            {"type": "track", "event": "E", "channel": ["a"], "x": None},
            "E",
            {},
            {"channel": ["a"], "x": None},
        ),
    ],
)
def test_every_kind_of_call(call: dict[str, Any], name: str, data: object, extra: object) -> None:
    """Data is the properties or the traits; nothing is lost; the strict and the tolerant way agree."""
    for user_id in ("7", 7):
        event = one({**BASE, **call, "userId": user_id})
        assert (event.name, event.type, event.user_id) == (name, call["type"], "7")
        assert event.decoded_data() == data
        assert event.decoded_extra() == extra


@pytest.mark.parametrize(
    ("shared", "own", "merged"),
    [
        ({"library": {"name": "go"}}, None, {"library": {"name": "go"}}),
        ({"library": {"name": "go"}}, {}, {"library": {"name": "go"}}),
        ({"library": {"name": "go"}}, {"ip": "1.2.3.4"}, {"library": {"name": "go"}, "ip": "1.2.3.4"}),
        (
            {"library": {"name": "go", "v": 1}, "a": 1},
            {"library": {"name": "mine"}},
            {"library": {"name": "mine"}, "a": 1},
        ),
        ({}, {"a": 1}, {"a": 1}),
        (None, {"a": 1}, {"a": 1}),
    ],
)
def test_the_batchs_context_is_under_the_items(shared: object, own: object, merged: object) -> None:
    """Go and Java name their library only there; what the item says itself wins, member by member."""
    for user_id in ("7", 7):
        decoded = decode(post("/v1/batch", batch(track(context=own, userId=user_id), context=shared)))
        assert only(decoded).decoded_context() == merged
        decoded = decode(
            post("/v1/batch", batch(track(integrations=own, userId=user_id), integrations=shared))
        )
        assert only(decoded).decoded_extra() == ({"integrations": merged} if merged else {})


def test_an_integrations_switch_is_not_merged() -> None:
    """What is no object stands for itself."""
    decoded = decode(post("/v1/batch", batch(track(integrations=False), integrations={"All": True})))
    assert only(decoded).decoded_extra() == {"integrations": False}


def test_items_share_and_differ_in_context() -> None:
    """A context seen before is not mistaken for another's."""
    contexts: list[Any] = [{"a": 1}, {"a": 1}, {"a": 2}, None, {}, {"a": 1}, None]
    items = [track(messageId=str(number), context=each) for number, each in enumerate(contexts)]
    decoded = decode(post("/v1/batch", batch(*items)))
    assert [event.decoded_context() for event in decoded.events] == [each or {} for each in contexts]


@pytest.mark.parametrize(
    ("context", "channel", "stored"),
    [
        ({"library": {"name": "analytics.js"}}, None, "203.0.113.7"),
        ({"library": {"name": "analytics-ios"}}, None, "203.0.113.7"),
        ({"library": {"name": "RudderLabs JavaScript SDK"}}, None, "203.0.113.7"),
        ({"direct": True}, None, "203.0.113.7"),
        ({}, "mobile", "203.0.113.7"),
        (None, "browser", "203.0.113.7"),
        ({"library": {"name": "analytics.js"}, "ip": None}, None, "203.0.113.7"),
        ({"library": {"name": "analytics.js"}, "ip": "0.0.0.0"}, None, "0.0.0.0"),
        ({"library": {"name": "analytics.js"}, "ip": ""}, None, ""),
        ({"library": {"name": "analytics-python"}}, None, None),
        ({"library": {"name": "@segment/analytics-node"}}, "server", None),
        ({"library": "analytics.js"}, None, None),
        ({"library": {"name": 7}, "page": {"ip": "analytics.js"}}, None, None),
        ({"library": 7, "ip": "1.2.3.4"}, "mobile", "1.2.3.4"),
        ({"direct": 1}, None, None),
        ({}, None, None),
        (None, None, None),
    ],
)
def test_the_clients_address(context: Any, channel: str | None, stored: str | None) -> None:
    """Only what runs on the user's device gets the address it sends from, unless it says one itself."""
    for user_id in ("7", 7):
        body = batch(track(context=context, channel=channel, userId=user_id))
        event = only(decode(post("/v1/batch", body, client_ip="203.0.113.7")))
        expected = dict(context or {})
        if stored is not None:
            expected["ip"] = stored
        assert event.decoded_context() == expected
        assert bytes(event.context).count(b'"ip":') <= 1 + (b"page" in bytes(event.context))


def test_an_unknown_address_is_not_stored() -> None:
    """Where the server does not know it, nothing stands in."""
    event = one(track(context={"library": {"name": "analytics.js"}}))
    assert "ip" not in event.decoded_context()


def test_the_address_of_mixed_items() -> None:
    """Equal contexts on different channels are told apart."""
    items = [
        track(messageId=str(number), context={"a": 1}, channel=each)
        for number, each in enumerate(["mobile", "server"])
    ]
    decoded = decode(post("/v1/batch", batch(*items), client_ip="203.0.113.7"))
    assert ["ip" in event.decoded_context() for event in decoded.events] == [True, False]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_an_items_own_sent_at_wins() -> None:
    """RudderStack stamps every event; the batch's stands for those without."""
    items = [
        track(
            messageId="a",
            sentAt="2026-11-20T19:24:50Z",
            originalTimestamp="2026-11-20T19:24:49Z",
            timestamp=None,
        ),
        track(messageId="b", sentAt=None, timestamp="2026-11-20T19:24:55Z"),
        track(messageId="c", sentAt="2026-11-20T19:24:51Z", timestamp="2026-11-20T19:24:49Z"),
        track(messageId="d", sentAt="", timestamp="2026-11-20T19:24:55Z"),
    ]
    decoded = decode(post("/v1/batch", batch(*items)))
    assert [(event.skew_ms, RECEIVED_AT - event.timestamp) for event in decoded.events] == [
        (10_000, timedelta(seconds=1)),
        (4_000, timedelta(seconds=1)),
        (9_000, timedelta(seconds=2)),
        (4_000, timedelta(seconds=1)),
    ]
    assert [event.sent_at for event in decoded.events] == [
        "2026-11-20T19:24:50Z",
        SENT_AT,
        "2026-11-20T19:24:51Z",
        SENT_AT,
    ]


def test_original_timestamp_wins_and_timestamp_is_kept() -> None:
    """Nobody corrected yet: the client's first word counts."""
    event = one(track(originalTimestamp="2026-11-20T19:24:54Z", timestamp="2026-11-20T19:24:55Z"))
    assert event.original_timestamp == "2026-11-20T19:24:54Z"
    assert event.timestamp == RECEIVED_AT - timedelta(seconds=2)
    assert event.decoded_extra() == {"timestamp": "2026-11-20T19:24:55Z"}


def test_no_second_correction() -> None:
    """An event that a server received and corrected before us keeps its time."""
    members = {
        "originalTimestamp": "2026-11-20T18:00:00Z",
        "timestamp": "2026-11-20T19:00:00Z",
        "receivedAt": "2026-11-20T19:00:01Z",
    }
    event = one(track(**members))
    assert event.timestamp == at("2026-11-20T19:00:00")
    assert event.clock_flags == (Flag.ALREADY_CORRECTED,)
    assert event.original_timestamp == members["originalTimestamp"]
    assert event.decoded_extra() == {"timestamp": members["timestamp"], "receivedAt": members["receivedAt"]}


@pytest.mark.parametrize(
    ("sent_at", "timestamp", "expected", "flags"),
    [
        (
            "2026-11-20T20:25:00.123456789+01:00",
            "2026-11-20T20:24:59.123456789+01:00",
            "2026-11-20T19:24:59",
            (),
        ),
        ("2026-11-20T20:25:00+01:00", "2026-11-20T20:24:58+01:00", "2026-11-20T19:24:58", ()),
        (None, "2026-11-20T10:00:00Z", "2026-11-20T10:00:00", ("no_sent_at",)),
        (None, None, "2026-11-20T19:25:00", ()),
        ("2026-11-20T19:25:00Z", None, "2026-11-20T19:25:00", ()),
        ("soon", "2026-11-20T10:00:00Z", "2026-11-20T10:00:00", ("no_sent_at",)),
        (7, "2026-11-20T10:00:00Z", "2026-11-20T10:00:00", ("no_sent_at",)),
        ({"a": 1}, ["x"], "2026-11-20T19:25:00", ("unparsable",)),
    ],
)
def test_times_of_sdks(sent_at: object, timestamp: object, expected: str, flags: tuple[str, ...]) -> None:
    """Go's nanoseconds, PHP's seconds, and times that are none: never the event's end."""
    decoded = decode(post("/v1/batch", {"batch": [track(timestamp=timestamp)], "sentAt": sent_at}))
    event = only(decoded)
    assert event.timestamp == at(expected)
    assert event.clock_flags == flags


@pytest.mark.parametrize(
    ("library", "retry", "flagged"),
    [
        ("analytics-go", None, True),
        ("analytics-swift", b"0", True),
        ("analytics-python", None, False),
        ("analytics-python", b"0", False),
        ("analytics-python", b"1", True),
        ("analytics-go", b"2", True),
    ],
)
def test_a_stale_sent_at_is_flagged(library: str, retry: bytes | None, flagged: bool) -> None:
    """A retry, or a library that stamps long before it sends: the skew may be waiting."""
    headers = dict(basic()) | ({} if retry is None else {b"x-retry-count": retry})
    item = track(context={"library": {"name": library}}, timestamp="2026-11-20T18:00:00Z")
    body = {"batch": [item], "sentAt": "2026-11-20T18:00:01Z"}
    event = only(decode(post("/v1/batch", body, headers)))
    assert event.timestamp == RECEIVED_AT - timedelta(seconds=1)
    assert event.clock_flags == ((Flag.SKEW_SUSPECT,) if flagged else ())


@pytest.mark.parametrize("origin", ['"tracker"', '"other"', '{"a":1}', "7"])
def test_nobody_can_say_that_a_tracker_emitted_an_event(origin: str) -> None:
    """What is so marked is believed in what it says of user, address and source; write keys are public."""
    body = json.dumps({**track(), "origin": json.loads(origin)}).encode()
    for each in (post("/v1/track", body), post("/v1/batch", b'{"batch":[%b]}' % body)):
        extra = only(decode(each)).decoded_extra()
        assert "origin" not in extra
        assert extra["clientOrigin"] == json.loads(origin)


def test_the_same_with_members_that_take_the_slow_way() -> None:
    """Also where a member is unknown or odd, or the name is written with escapes."""
    text = json.dumps({**track(), "odd": 1, "userId": 7}).encode()
    body = b'{"\\u006frigin":"tracker",' + text[1:]
    event = only(decode(post("/v1/track", body)))
    assert "origin" not in event.decoded_extra()
    assert event.decoded_extra()["clientOrigin"] == "tracker"


@pytest.mark.parametrize("mark", [EMITTED, EMITTED_VALUE])
def test_a_forwarder_may(mark: Raw) -> None:
    """A source that says so takes events as the platform's tracker emitted them, byte by byte."""
    source = SegmentApi({KEY: "lms"}, limits=LIMITS, forwarders=["lms"])
    body = b"{%b,%b" % (bytes(mark)[1:-1], json.dumps(track()).encode()[1:])
    for each in (post("/v1/track", body), post("/v1/batch", b'{"batch":[%b]}' % body)):
        assert only(decode(each, source)).extra == mark
