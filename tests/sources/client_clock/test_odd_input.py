"""What made the page crash is refused; what it oddly took it still takes."""

from datetime import UTC, datetime

import pytest

from tests.sources.client_clock.requests import (
    ELEVEN,
    accepted,
    decode,
    make_source,
    post,
    refused,
    report,
)
from trackside.config.settings import LimitSettings
from trackside.sources.client_clock.source import REJECT_BYTES

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)


@pytest.mark.parametrize("body", [b"[]", b"1", b'"s"', b"true", b"null", b"NaN"])
def test_bodies_that_are_no_object(body: bytes) -> None:
    assert refused(body).reason == "not_an_object"


@pytest.mark.parametrize("event", [[], "x", 0, False, True])
def test_events_that_are_no_object(event: object) -> None:
    assert refused(report(event=None) | {"event": event}).reason == "not_an_object"


@pytest.mark.parametrize("value", [[], {}, [2], {"a": 1}])
def test_types_that_are_no_value(value: object) -> None:
    assert refused(report({"event_type": value})).reason == "invalid_field"
    assert refused(report(client_type=value)).reason == "invalid_field"


@pytest.mark.parametrize(
    "time",
    [
        *(float("nan"), float("inf"), float("-inf")),
        *("nan", "Infinity", "-inf", "", "x", "1_0", "0x10", "\ud800"),
        *(1e18, -1e18, "1e18", 10**400, int("9" * 4_300)),
        *([], {}, [1], {"a": 1}),
    ],
)
@pytest.mark.parametrize("member", ["event_time_ms", "request_time_ms"])
def test_times_that_are_none(time: object, member: str) -> None:
    event_member = {member: time} if member == "event_time_ms" else {}
    body = {**report(event_member), **({} if event_member else {member: time})}
    assert refused(body).reason in {"invalid_time", "time_out_of_bounds"}


@pytest.mark.parametrize("event_time", [None, "never"])
def test_an_event_without_a_time(event_time: object) -> None:
    assert refused(report({"event_time_ms": event_time})).reason == "invalid_time"


def test_both_times_beyond_the_calendar() -> None:
    """Their difference would be fine; the times themselves cannot be told."""
    body = report({"event_time_ms": 1e18}, request_time_ms=1e18)
    assert refused(body, received_at=NOW).reason == "time_out_of_bounds"
    body = report({"event_time_ms": 1e308}, request_time_ms=-1e308)
    assert refused(body, received_at=NOW).reason == "time_out_of_bounds"


def test_numbers_nobody_reads() -> None:
    """More digits than Python reads; as long as they are not stored they do no harm."""
    digits = b"9" * 5_000
    body = (
        b'{"type":"event","request_time_ms":10000,"event":{"event_type":2,"event_time_ms":8000,"flow_id":%b}}'
    )
    assert refused(body % digits).reason == "number_too_long"
    assert accepted(body % b'"%b"' % digits).decoded_data()["flow_id"] == digits.decode()
    assert refused(body.replace(b"8000", digits) % b"1").reason == "time_out_of_bounds"
    assert refused(body.replace(b"2,", digits + b",") % b"1").reason == "number_too_long"


@pytest.mark.parametrize("levels", [100, 3_000, 30_000])
def test_deep_nesting(levels: int) -> None:
    for deep in (b"[" * levels + b"]" * levels, b'{"a":' * levels + b"1" + b"}" * levels):
        body = (
            b'{"type":"event","request_time_ms":10000,'
            b'"event":{"event_type":2,"event_time_ms":8000,"room_id":%b}}' % deep
        )
        assert decode(post(body), make_source(LimitSettings(event_bytes=1_000_000))).rejects[0].reason == (
            "too_deep"
        )


def test_a_body_that_is_too_large() -> None:
    """It is told as every other refusal; a part of it is kept."""
    reject = refused(report({"room_id": "x" * 70_000}))
    assert reject.reason == "event_too_large"
    assert "limits.event_bytes" in reject.detail
    assert len(reject.body) == REJECT_BYTES


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b'{"type":"\xff"}', b"\xef\xbb\xbf{}", b"{", b"[1", b'{"a":1}}']
)
def test_bodies_that_are_no_json(body: bytes) -> None:
    assert refused(body).reason == "invalid_json"


@pytest.mark.parametrize(
    ("event_time", "request_time", "texts"),
    [
        (" 8000 ", "1e4", (" 8000 ", "1e4")),
        ("8e3", 10_000.0, ("8e3", "10000.0")),
        (8_000.25, "10000.25", ("8000.25", "10000.25")),
        (True, 2_001, ("true", "2001")),
        (-1_000, 1_000, ("-1000", "1000")),
    ],
)
def test_times_in_any_spelling(event_time: object, request_time: object, texts: tuple[str, str]) -> None:
    """What Python's `float` takes is taken; the client's own texts are kept."""
    event = accepted(report({"event_time_ms": event_time}, request_time_ms=request_time))
    assert (event.original_timestamp, event.sent_at) == texts
    assert event.timestamp.timestamp() == 9


def test_a_request_at_the_beginning_of_time() -> None:
    """It shifts the event by the age of the epoch: later than its receipt, which it is set back to."""
    event = accepted(report({"event_time_ms": NOW_MS}, request_time_ms=0), received_at=NOW)
    assert (event.timestamp, event.clock_flags) == (NOW, ("future",))


def test_the_corrected_time_has_bounds() -> None:
    """1970 to 2100, whatever the client's own clock says."""
    assert refused(report({"event_time_ms": 0}, request_time_ms=11_001)).reason == "time_out_of_bounds"
    assert accepted(report({"event_time_ms": 0}, request_time_ms=11_000)).timestamp.timestamp() == 0
    far = 4_200_000_000_000  # the year 2103
    assert refused(report({"event_time_ms": far}, request_time_ms=0)).reason == "time_out_of_bounds"
    event = accepted(report({"event_time_ms": far - 5_000}, request_time_ms=far), received_at=NOW)
    assert (NOW - event.timestamp).total_seconds() == 5
    assert event.clock_flags == ()


def test_an_event_is_never_later_than_its_receipt() -> None:
    event = accepted(report({"event_time_ms": 10_001}))
    assert (event.timestamp, event.clock_flags) == (ELEVEN, ("future",))


@pytest.mark.parametrize(
    ("event_ms", "request_ms", "received", "happened"),
    [
        (8_000, 10_000, 11.0, 9.0),
        # a slow clock: an hour and five seconds behind
        (43_200_000, 43_205_000, 46_805.0, 46_800.0),
        # a fast one: an hour ahead
        (50_400_000, 50_405_000, 46_805.0, 46_800.0),
    ],
)
def test_the_vectors_of_the_correction(
    event_ms: int, request_ms: int, received: float, happened: float
) -> None:
    body = report({"event_time_ms": event_ms}, request_time_ms=request_ms)
    event = accepted(body, received_at=datetime.fromtimestamp(received, UTC))
    assert event.timestamp.timestamp() == happened


def test_half_pairs_and_no_numbers_are_repaired() -> None:
    body = b"""{"type":"event","request_time_ms":10000,"event":
        {"event_type":"a\\ud800","event_time_ms":8000,"room_id":"\\udfff","flow_id":NaN,"x":[-Infinity]}}"""
    event = accepted(body)
    assert event.decoded_data() == {"event_type": "a\ufffd", "room_id": "\ufffd", "x": [None]}
