"""The quick way to an event's JSON writes what the careful one writes."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackside.backends.log.fast_json import encode_quickly
from trackside.emitted import encode_json

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TIMES = st.sampled_from(
    [
        NOON,
        NOON + timedelta(microseconds=456_000),
        NOON.replace(tzinfo=None),
        NOON.astimezone(timezone(timedelta(hours=2))),
        NOON.astimezone(timezone(timedelta(0))),
    ]
)
TEXTS = st.sampled_from(
    ["", "a", "T12:00:00Z", "2026-11-20T12:00:00Z", '"b":"2026-11-20T12:00:00Z"', "b\\", 'b"', "é", "\ud800"]
)
NAMES = st.sampled_from(["a", "b", 'b"', "2026-11-20T12:00:00Z", "é"])
VALUES = st.recursive(
    TIMES | TEXTS | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(NAMES, VALUES, max_size=5) | VALUES)
def test_both_ways_write_the_same(value: Any) -> None:
    assert encode_quickly(value) == encode_json(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": NOON}, b'{"b":"2026-11-20T12:00:00+00:00"}'),
        ({"b": NOON.replace(tzinfo=None)}, b'{"b":"2026-11-20T12:00:00+00:00"}'),
        ({"b": "2026-11-20T12:00:00Z"}, b'{"b":"2026-11-20T12:00:00Z"}'),
        ({"a": {"b": "2026-11-20T12:00:00Z"}, "b": 1}, b'{"a":{"b":"2026-11-20T12:00:00Z"},"b":1}'),
        ({"a": {"b": "T12:"}, "b": NOON}, b'{"a":{"b":"T12:"},"b":"2026-11-20T12:00:00+00:00"}'),
        ([NOON], b'["2026-11-20T12:00:00+00:00"]'),
    ],
)
def test_only_times_are_rewritten(value: Any, text: bytes) -> None:
    """A text of the application that looks like a time stays as it is."""
    assert encode_quickly(value) == text
