"""What Retry-After asks for."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackside.outbound.retry_after import LONGEST_S, retry_after_s

NOW = datetime(2026, 11, 27, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 120 ", 120.0),
        ("1.5", 1.5),
        ("1.", 1.0),
        ("-5", 0.0),
        ("315360000", LONGEST_S),  # ten years
        ("9" * 400, LONGEST_S),
        ("-" + "9" * 400, 0.0),
        ("Fri, 27 Nov 2026 12:02:00 GMT", 120.0),
        ("Friday, 27-Nov-26 12:02:00 GMT", 120.0),
        ("Fri Nov 27 12:02:00 2026", 120.0),
        ("Fri, 27 Nov 2026 13:02:00 +0100", 120.0),
        ("Fri, 27 Nov 2026 11:00:00 GMT", 0.0),
        ("Wed, 27 Nov 2036 12:00:00 GMT", LONGEST_S),
        (None, None),
        ("", None),
        ("soon", None),
        ("inf", None),
        ("nan", None),
        ("1e9", None),
        ("٣", None),
        ("0x10", None),
        ("12:00", None),
        ("Fri, 99 Nov 2026 12:02:00 GMT", None),
        ("Fri, 27 Nov 99999999999999 12:02:00 GMT", None),
        ("x" * 10_000, None),
    ],
)
def test_what_is_asked_for(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value, now=NOW) == seconds


@given(st.text() | st.integers().map(str) | st.floats().map(str))
def test_any_text_gives_seconds_within_the_bounds_or_nothing(value: str) -> None:
    seconds = retry_after_s(value, now=NOW, longest_s=600)
    assert seconds is None or 0 <= seconds <= 600


@given(st.integers(0, 10**12))
def test_whole_seconds_are_taken_as_they_are(seconds: int) -> None:
    assert retry_after_s(str(seconds), now=NOW) == min(seconds, LONGEST_S)


@given(st.integers(-(10**7), 10**7))
def test_dates_count_from_now(seconds: int) -> None:
    value = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    assert retry_after_s(value, now=NOW) == min(max(seconds, 0), LONGEST_S)
