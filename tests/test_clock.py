"""The server's time of what a client's clock saw."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackside.clock import ClientClock, Flag, correct, keep_corrected, parse_timestamp

RECEIVED = datetime(2026, 11, 20, 13, 0, 5, tzinfo=UTC)
EARLIEST, LATEST = datetime.fromisoformat("1970-01-02"), datetime.fromisoformat("2100-12-30")
MOMENTS = st.datetimes(EARLIEST, LATEST, timezones=st.just(UTC))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20T19:22:59.920Z", at("2026-11-20T19:22:59.920")),
        ("2026-11-20T19:18:27.907296+00:00", at("2026-11-20T19:18:27.907296")),
        ("2026-11-20T21:22:59+02:00", at("2026-11-20T19:22:59")),
        ("2026-11-20T21:22:59.123456789+02:00", at("2026-11-20T19:22:59.123456")),
        ("2026-11-20T19:22:59.123456789Z", at("2026-11-20T19:22:59.123456")),
        ("2026-11-20T14:22:59.920-05:00", at("2026-11-20T19:22:59.920")),
        ("2026-11-20T19:22:59", at("2026-11-20T19:22:59")),
        ("2026-11-20 19:22:59Z", at("2026-11-20T19:22:59")),
        ("2026-11-20", at("2026-11-20T00:00:00")),
        ("1970-01-01T00:00:00Z", at("1970-01-01T00:00:00")),
        ("1969-12-31T23:59:59Z", None),
        ("2101-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+23:59", None),
        ("9999-12-31T23:59:59-23:59", None),
        ("2015-2-02T00:30:08.276Z", None),
        ("2026-02-30T00:00:00Z", None),
        ("1795202579920", None),
        ("soon", None),
        ("", None),
        ("\x00", None),
        ("\uff12\uff10\uff12\uff16-11-20T19:22:59Z", None),
    ],
)
def test_timestamps_of_sdks_are_read(text: str, moment: datetime | None) -> None:
    """Every form the SDKs send is read; anything else is None."""
    assert parse_timestamp(text) == moment


@given(st.text())
def test_no_text_raises(text: str) -> None:
    """Whatever stands where a time should be, it is a time or None."""
    moment = parse_timestamp(text)
    assert moment is None or moment.utcoffset() == timedelta(0)


def test_apprtc_vector() -> None:
    """Event at 8000 ms, sent at 10000, received at 11000: happened at 9000."""
    moments = [
        datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms) for ms in (8_000, 10_000, 11_000, 9_000)
    ]
    assert correct(*moments[:3]).timestamp == moments[3]


def test_segment_vector() -> None:
    """The example of Segment's documentation of common fields."""
    correction = correct(
        at("2015-12-12T19:11:01.577"), at("2015-12-12T19:11:01.581"), at("2015-12-12T19:11:01.909")
    )
    assert correction.timestamp == at("2015-12-12T19:11:01.905")
    assert correction.skew_ms == 328
    assert correction.flags == ()


@pytest.mark.parametrize(("clock_is", "skew_ms"), [("12", 3_600_000), ("14", -3_600_000)])
def test_a_wrong_clock_is_corrected(clock_is: str, skew_ms: int) -> None:
    """An hour slow or an hour fast: what happened five seconds before the sending did so by our clock."""
    clock = ClientClock(RECEIVED, f"2026-11-20T{clock_is}:00:05Z")
    correction = clock.correct(f"2026-11-20T{clock_is}:00:00Z")
    assert correction.timestamp == RECEIVED - timedelta(seconds=5)
    assert correction.skew_ms == skew_ms
    assert correction.flags == ()


@pytest.mark.parametrize("sent_at", [None, "yesterday", "", "1795202579920", "2200-01-01T00:00:00Z"])
def test_without_sent_at_the_original_stands(sent_at: str | None) -> None:
    """Nothing readable says when the client sent: its time is kept, and flagged."""
    correction = ClientClock(RECEIVED, sent_at).correct("2020-01-01T00:00:00Z")
    assert correction.timestamp == at("2020-01-01T00:00:00")
    assert correction.skew_ms is None
    assert correction.flags == (Flag.NO_SENT_AT,)


@pytest.mark.parametrize(
    ("original", "flags"),
    [(None, ()), ("soon", (Flag.UNPARSABLE,)), ("1969-01-01T00:00:00Z", (Flag.UNPARSABLE,))],
)
def test_without_an_original_the_receipt_stands(original: str | None, flags: tuple[str, ...]) -> None:
    """An event that does not say when it happened happened when it arrived."""
    correction = ClientClock(RECEIVED, "2026-11-20T13:00:05Z").correct(original)
    assert correction.timestamp == RECEIVED
    assert correction.flags == flags


def test_naive_times_are_utc_and_flagged_once() -> None:
    """A time without a zone is taken as UTC."""
    clock = ClientClock(RECEIVED, "2026-11-20T13:00:05")
    assert clock.correct("2026-11-20T13:00:00").flags == (Flag.NAIVE,)
    assert clock.correct("2026-11-20T13:00:00Z").flags == (Flag.NAIVE,)
    assert clock.correct("2026-11-20T13:00:00").timestamp == RECEIVED - timedelta(seconds=5)


def test_nothing_happens_after_its_receipt() -> None:
    """An event stamped later than its own sending is set back, and flagged."""
    correction = ClientClock(RECEIVED, "2026-11-20T13:00:05Z").correct("2026-11-21T13:00:05Z")
    assert correction.timestamp == RECEIVED
    assert correction.flags == (Flag.FUTURE,)


@pytest.mark.parametrize(
    ("sent_at", "suspect", "flagged"),
    [
        ("2026-11-20T12:00:00Z", True, True),
        ("2026-11-20T12:00:00Z", False, False),
        ("2026-11-20T13:00:04Z", True, False),
        ("2026-11-20T14:00:00Z", True, False),
    ],
)
def test_a_large_skew_is_suspect_where_it_may_be_waiting(sent_at: str, suspect: bool, flagged: bool) -> None:
    """Only a sending that seems long ago can be one that waited."""
    correction = ClientClock(RECEIVED, sent_at, suspect=suspect).correct("2026-11-20T11:00:00Z")
    assert correction.flags == ((Flag.SKEW_SUSPECT,) if flagged else ())


def test_suspicion_can_come_later() -> None:
    """Which library sent is known per event; its clock is the same but for the flag."""
    clock = ClientClock(RECEIVED, "2026-11-20T12:00:00")
    suspected = clock.suspected().correct("2026-11-20T11:00:00Z")
    assert suspected.timestamp == clock.correct("2026-11-20T11:00:00Z").timestamp
    assert suspected.flags == (Flag.NAIVE, Flag.SKEW_SUSPECT)


def test_what_was_corrected_before_us_is_kept() -> None:
    """No second correction; but the future stays impossible."""
    kept = keep_corrected("2026-11-20T12:59:00Z", RECEIVED)
    assert kept.timestamp == at("2026-11-20T12:59:00")
    assert kept.skew_ms is None
    assert kept.flags == (Flag.ALREADY_CORRECTED,)
    future = keep_corrected("2026-11-20T14:00:00Z", RECEIVED)
    assert future.timestamp == RECEIVED
    assert future.flags == (Flag.FUTURE, Flag.ALREADY_CORRECTED)
    assert keep_corrected("soon", RECEIVED).timestamp == RECEIVED


@given(MOMENTS, MOMENTS, st.lists(MOMENTS, min_size=2, max_size=5), st.booleans())
def test_distances_are_kept(
    received: datetime, sent: datetime, originals: list[datetime], as_text: bool
) -> None:
    """Nothing is later than the receipt, and events not set back keep their distance, to the microsecond."""
    clock = ClientClock(received, sent.isoformat() if as_text else sent)
    zone = timezone(timedelta(hours=-5))
    corrections = [clock.correct(each.astimezone(zone).isoformat()) for each in originals]
    assert all(each.timestamp <= received for each in corrections)
    placed = [
        (original, each.timestamp)
        for original, each in zip(originals, corrections, strict=True)
        if Flag.FUTURE not in each.flags and Flag.UNPARSABLE not in each.flags
    ]
    for original, timestamp in placed:
        assert timestamp - placed[0][1] == original - placed[0][0]
        assert timestamp == received - (sent - original)
