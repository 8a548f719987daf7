"""What an event may hold: its copy, and its JSON in both forms."""

import enum
import json
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from django.http import QueryDict
from django.utils.functional import lazystr
from hypothesis import example, given
from hypothesis import strategies as st

from trackside.emitted import (
    DateTimeJSONEncoder,
    Unencodable,
    commit_waiters,
    copy_event,
    dumps,
    encode_json,
    waiting_for_commit,
)

BERLIN = timezone(timedelta(hours=1))
MOMENT = datetime(2026, 11, 21, 13, 14, 15, 123456, tzinfo=UTC)


class Colour(enum.StrEnum):
    """Is its text."""

    RED = "red"


class Mixed(str, enum.Enum):  # noqa: UP042  # the older way
    """Shows another text than it is."""

    RED = "red"


@dataclass
class Step:
    """Has fields."""

    at: datetime
    number: int


class Ambiguous:
    """Like an array of numbers: refuses to say whether it is empty."""

    def __bool__(self) -> bool:
        raise ValueError("the truth value of this is ambiguous")


ODD = {
    "naive": (MOMENT.replace(tzinfo=None), "2026-11-21T13:14:15.123456+00:00"),
    "aware": (MOMENT.astimezone(BERLIN), "2026-11-21T13:14:15.123456+00:00"),
    "whole second": (MOMENT.replace(microsecond=0, tzinfo=None), "2026-11-21T13:14:15+00:00"),
    "date": (date(2026, 11, 21), "2026-11-21"),
    "uuid": (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    "decimal": (Decimal("1.10"), "1.10"),
    "set": ({1}, [1]),
    "frozenset": (frozenset({"a"}), ["a"]),
    "set of times": ({MOMENT.replace(tzinfo=None)}, ["2026-11-21T13:14:15.123456+00:00"]),
    "tuple": ((1, 2), [1, 2]),
    "bytes": (b"abc", "YWJj"),
    "lazy": (lazystr("Grüße"), "Grüße"),
    "nan": (math.nan, None),
    "infinity": (-math.inf, None),
    "enum": (Colour.RED, "red"),
    "mixed enum": (Mixed.RED, "red"),
    "ordered": (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
    "proxy": (MappingProxyType({"a": MOMENT.replace(tzinfo=None)}), {"a": MOMENT.isoformat()}),
    "dataclass": (Step(MOMENT.replace(tzinfo=None), 1), {"at": MOMENT.isoformat(), "number": 1}),
    "large": (1 << 80, 1 << 80),
    "surrogate": ("a\ud800b", "a\ud800b"),
    "number key": ({1: "a", 2.5: "b"}, {"1": "a", "2.5": "b"}),
    "odd keys": ({None: 1, True: 2}, {"null": 1, "true": 2}),
    "tuple key": ({(1, 2): 1}, {"(1, 2)": 1}),
    "the end of time": (
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))),
        "9999-12-31T23:59:59.999999-01:00",
    ),
}


@pytest.mark.parametrize(("value", "want"), ODD.values(), ids=ODD)
def test_what_json_does_not_have_has_a_stand_in(value: object, want: object) -> None:
    assert json.loads(encode_json({"deep": [value]})) == {"deep": [want]}
    assert json.loads(dumps({"deep": [value]})) == {"deep": [want]}
    assert json.loads(dumps({"top": value})) == {"top": want}


def test_an_aware_time_in_utc_may_end_in_z_where_nobody_compares_lines() -> None:
    encoded = json.loads(encode_json({"at": MOMENT}))["at"]
    assert datetime.fromisoformat(encoded) == MOMENT
    assert json.loads(dumps({"at": MOMENT, "deep": [MOMENT]})) == {
        "at": MOMENT.isoformat(),
        "deep": [MOMENT.isoformat()],
    }


def test_a_text_that_looks_like_a_time_stays_as_it_is() -> None:
    value = {"at": "2026-11-21T13:14:15", "and": MOMENT.replace(tzinfo=None)}
    want = {"at": "2026-11-21T13:14:15", "and": MOMENT.isoformat()}
    assert json.loads(encode_json(value)) == want
    assert json.loads(dumps(value)) == want


def test_a_dict_of_another_kind_is_what_its_items_are() -> None:
    """Django's QueryDict holds lists, and says the last of each."""
    query = QueryDict("a=1&a=2&b=3")
    assert json.loads(dumps({"event": query, "time": MOMENT})) == {
        "event": {"a": "2", "b": "3"},
        "time": MOMENT.isoformat(),
    }
    assert dumps({"data": query}) == json.dumps({"data": query})
    assert json.loads(encode_json(query)) == {"a": "2", "b": "3"}


def test_times_of_an_event_end_in_their_offset_wherever_they_are() -> None:
    event: dict[str, Any] = {
        "timestamp": MOMENT,
        "data": {"started_at": MOMENT.astimezone(BERLIN), "text": "2026-11-21T13:14"},
        "context": {"received_at": MOMENT, "timestamp": MOMENT.replace(tzinfo=None)},
    }
    assert dumps(event) == json.dumps(event, cls=DateTimeJSONEncoder)
    del event["data"]["started_at"], event["context"]["timestamp"]
    assert dumps(event) == json.dumps(event, cls=DateTimeJSONEncoder)


def cyclic() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["self"] = [value]
    return value


def deep() -> list[Any]:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


class Hostile:
    """Fails in an odd way when it is looked at."""

    def __getattr__(self, name: str) -> Any:
        raise OSError(name)


NO_JSON: dict[str, Callable[[], object]] = {
    "cyclic": cyclic,
    "deep": deep,
    "unknown": object,
    "unknown inside": lambda: [object()],
    "unknown key": lambda: {object(): 1},
    "hostile": Hostile,
    "ambiguous": Ambiguous,
}


@pytest.mark.parametrize("make", NO_JSON.values(), ids=NO_JSON)
def test_what_has_no_json_is_said_by_one_exception(make: Callable[[], object]) -> None:
    value = make()
    with pytest.raises(Unencodable):
        encode_json(value)
    with pytest.raises(Unencodable):
        dumps({"top": value})
    with pytest.raises(Unencodable):
        dumps({"event": value})


def test_it_is_a_type_error_as_the_standard_library_says_it() -> None:
    assert issubclass(Unencodable, TypeError)


plain_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(plain_json)
def test_what_json_has_comes_back(value: Any) -> None:
    assert json.loads(encode_json(value)) == value
    assert json.loads(dumps(value)) == value


whole_numbers = st.integers(-(1 << 63), 1 << 63)
json_without_floats = st.recursive(
    st.none() | st.booleans() | whole_numbers | st.text(),
    lambda inner: st.lists(inner, min_size=1) | st.dictionaries(st.text(), inner, min_size=1),
)


@given(json_without_floats)
@example({"\x7f": "\\u007f\x7f"})
def test_a_line_is_letter_by_letter_that_of_the_standard_library(value: Any) -> None:
    """But for the notation of floats."""
    assert dumps(value) == json.dumps(value)


DECIDED_BY_THE_STANDARD_LIBRARY = {"nan", "infinity", "odd keys", "tuple key"}
LEFT_TO_ITS_ENCODER = {
    name: pair for name, pair in ODD.items() if name not in DECIDED_BY_THE_STANDARD_LIBRARY
}


@pytest.mark.parametrize(("value", "want"), LEFT_TO_ITS_ENCODER.values(), ids=LEFT_TO_ITS_ENCODER)
def test_the_encoder_for_the_standard_library_knows_the_same(value: object, want: object) -> None:
    assert json.loads(json.dumps([value], cls=DateTimeJSONEncoder)) == [want]


def test_the_encoder_raises_type_error_for_what_it_does_not_know() -> None:
    with pytest.raises(TypeError, match="object has no JSON"):
        json.dumps([object()], cls=DateTimeJSONEncoder)


def test_a_copy_shares_no_container() -> None:
    inner: list[Any] = [1, (2, [3])]
    original: dict[str, Any] = {"a": inner, "b": OrderedDict(c=[4])}
    copied = copy_event(original)
    assert copied == original
    inner[1][1].append(0)
    original["b"]["c"].append(0)
    assert copied == {"a": [1, (2, [3])], "b": {"c": [4]}}


def test_what_cannot_be_copied_stays_the_object_it_is() -> None:
    odd = (n for n in range(3))
    copied = copy_event({"odd": odd, "even": [1]})
    assert copied["odd"] is odd


def test_of_what_contains_itself_or_is_nested_too_deep_nobody_replaces_a_field_for_others() -> None:
    cycle = cyclic()
    assert copy_event(cycle) is not cycle
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"a": deep}
    event = {"name": "n", "data": deep, "context": {"a": 1}}
    copied = copy_event(event)
    copied["context"]["a"] = 2
    copied["data"]["b"] = 3
    copied["name"] = "other"
    assert (event["name"], event["context"], list(deep)) == ("n", {"a": 1}, ["a"])


def test_waiters_are_collected_while_somebody_waits() -> None:
    assert commit_waiters() is None
    with waiting_for_commit() as outer:
        assert commit_waiters() is outer
        with waiting_for_commit() as inner:
            assert commit_waiters() is inner
        assert commit_waiters() is outer
    assert commit_waiters() is None
