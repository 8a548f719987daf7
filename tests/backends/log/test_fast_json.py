"""The quick way to an event's JSON writes what the careful one writes."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from trackside.backends.log.fast_json import (
    UNUSUAL,
    encode_lines,
    encode_quickly,
    has_time,
    join_lines,
    lines_with_times,
    split_lines,
)
from trackside.emitted import encode_json

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TIMES = st.sampled_from(
    [
        NOON,
        NOON + timedelta(microseconds=456_000),
        NOON.replace(tzinfo=None),
        NOON.astimezone(timezone(timedelta(hours=2))),
        NOON.astimezone(timezone(timedelta(0))),
        NOON.astimezone(timezone(timedelta(seconds=30))),
    ]
)
TEXTS = st.sampled_from(
    ["", "a", "T12:00:00Z", "2026-11-20T12:00:00Z", '"b":"2026-11-20T12:00:00Z"', "b\\", 'b"', "é", "\ud800"]
)
NAMES = st.sampled_from(["a", "b", "received_at", 'b"', "2026-11-20T12:00:00Z", "é"])
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


def lines(data: dict[str, Any], context: dict[str, Any]) -> bytes:
    written = encode_lines([data, context])
    found = has_time(written)
    return written if found is None else lines_with_times(written, data, context, found)


EVENTS = st.dictionaries(NAMES, VALUES, max_size=4)


@given(EVENTS, EVENTS)
def test_both_at_once_are_what_each_is_alone(data: dict[str, Any], context: dict[str, Any]) -> None:
    try:
        encode_lines([data, context])
    except UNUSUAL:
        return
    assert split_lines(lines(data, context)) == (encode_json(data), encode_json(context))


@pytest.mark.parametrize(
    ("data", "context"),
    [
        ({"at": NOON}, {}),
        ({}, {"at": NOON}),
        ({"a": {"at": NOON}}, {"at": 1}),
        ({"a": "2026-11-20T12:00:00Z"}, {"a": NOON}),
        ({"a": NOON}, {"a": "2026-11-20T12:00:00Z"}),
        ({"a": "T12:"}, {"received_at": NOON.replace(tzinfo=None)}),
        ({"a": "T12:Z"}, {"received_at": "T12:"}),
        ({"a": ["2026-11-20T12:00:00Z"]}, {"received_at": None}),
        ({"a": "2026-11-20T1"}, {"2:00:00Z": "T"}),
        ({"received_at": NOON}, {"received_at": NOON.astimezone(timezone(timedelta(hours=2)))}),
    ],
)
def test_times_and_their_likes_on_both_sides_of_the_seam(data: Any, context: Any) -> None:
    assert split_lines(lines(data, context)) == (encode_json(data), encode_json(context))


@pytest.mark.parametrize(
    ("data", "context"),
    [
        (b'{"a":1\n}', b"{}"),
        (b'{"a":{}\n}', b'{"b":\n{}}'),
        ('{"é":[\n]}'.encode(), b'{"b":[1,\n2]}'),
        (b"{}", b'{\n"b":1}'),
    ],
)
def test_json_of_the_application_s_own_with_line_feeds(data: bytes, context: bytes) -> None:
    """It is written as it is, and the seam is where the data ends."""
    assert encode_lines([Raw(data), Raw(context)]) == join_lines(data, context)
    assert split_lines(join_lines(data, context)) == (data, context)


class FirstOfEach(dict[str, Any]):
    """Like a QueryDict: holds lists, and shows the first of each."""

    def items(self) -> Any:
        """Return what it shows."""
        return [(name, values[0]) for name, values in super().items()]


def test_a_dict_that_shows_what_it_does_not_hold() -> None:
    """What it shows is written, as `encode_json` does."""
    assert encode_quickly(FirstOfEach(a=["b"])) == encode_json(FirstOfEach(a=["b"])) == b'{"a":"b"}'
