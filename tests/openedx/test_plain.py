"""What the platform's values become: JSON's own types, bounded, without a query."""

import json
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

import attrs
import pytest
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from trackside.openedx.plain import CYCLE, DEPTH, SIZE, PlainMaker

plain = PlainMaker().plain


class Colour(Enum):
    """Of two kinds of values."""

    RED = "red"
    ODD = (1, 2)
    HUGE = 10**6_000
    ENDLESS = float("inf")


class Level(IntEnum):
    """A number with a name."""

    HIGH = 3


@attrs.frozen
class Inner:
    """A class of attrs."""

    number: int
    anything: Any = None


@dataclass
class Data:
    """A dataclass."""

    inner: Any


class Unreadable:
    """Cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


class Secretive:
    """Says too much."""

    def __repr__(self) -> str:
        return "password=hunter2"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (2**64, 2**64),
        (2**300, "<omitted: int>"),
        (float("nan"), None),
        (float("-inf"), None),
        (1.5, 1.5),
        ("é\ud800", "é\ud800"),
        (SafeString("<b>"), "<b>"),
        (gettext_lazy("Yes"), "Yes"),
        (datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))), "2026-01-02T01:00:00+00:00"),
        (datetime(2026, 1, 2), "2026-01-02T00:00:00+00:00"),  # noqa: DTZ001  # what is tested
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-2))), "9999-12-31T23:59:59.999999-02:00"),
        (date(2026, 1, 2), "2026-01-02"),
        (timedelta(minutes=1), 60.0),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Decimal("1.10"), "1.10"),
        (Colour.RED, "red"),
        (Colour.ODD, "ODD"),
        (Level.HIGH, 3),
        (b"\xff\x00", "/wA="),
        ((1, (2,)), [1, [2]]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset("ba"), ["a", "b"]),
        (MappingProxyType({1: 2, None: 3, UUID(int=1): 4}), {"1": 2, "None": 3, str(UUID(int=1)): 4}),
        (Inner(1, Inner(2)), {"number": 1, "anything": {"number": 2, "anything": None}}),
        (Data([Inner(1)]), {"inner": [{"number": 1, "anything": None}]}),
        (object(), "<omitted: object>"),
        (Unreadable(), "<omitted: Unreadable>"),
        (Secretive(), "<omitted: Secretive>"),
        (iter([1]), "<omitted: list_iterator>"),
        (Inner, "<omitted: type>"),
    ],
)
def test_values_by_type(value: object, expected: object) -> None:
    """Each type has one form; what nobody can tell is named, and never shown as it shows itself."""
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)


def test_models_ask_the_database_for_nothing() -> None:
    """A user is one of openedx-events' shape, another row its key, a queryset is not run: all without a database."""
    user = User(id=7, username="zoe", email="u@example.org", password="pbkdf2_sha256$secret")
    assert plain(user) == {
        "id": 7,
        "is_active": True,
        "pii": {"username": "zoe", "email": "u@example.org", "name": ""},
    }
    assert plain(Group(id=3, name="staff")) == {"model": "auth.group", "pk": 3}
    assert plain([User.objects.all()]) == ["<omitted: QuerySet>"]
    assert plain(SimpleLazyObject(lambda: pytest.fail("it was evaluated"))) == "<omitted: SimpleLazyObject>"


def test_the_user_of_a_request() -> None:
    """What was lazy and is loaded, as the user of a request, is told as what it stands for."""
    lazy = SimpleLazyObject(lambda: User(id=7, username="zoe"))
    assert lazy.username == "zoe"
    assert plain({"user": lazy})["user"]["pii"]["username"] == "zoe"


def test_what_a_user_has_not_loaded() -> None:
    """Fields that a query left out are not asked for."""
    user = User.from_db("default", ["id", "email"], [7, "u@example.org"])
    assert plain(user) == {
        "id": 7,
        "is_active": False,
        "pii": {"username": "", "email": "u@example.org", "name": ""},
    }


def test_keys_of_rows_are_plain() -> None:
    """A row whose key is an object, as that of a course is, has it as text."""
    session = Session.from_db("default", ["session_key"], [UUID(int=7)])
    assert plain(session) == {"model": "sessions.session", "pk": str(UUID(int=7))}


def test_numbers_of_enums_are_numbers() -> None:
    """What a number by itself may not be, that of a member may not either: JSON has neither."""
    assert plain([Colour.HUGE, Colour.ENDLESS]) == ["<omitted: int>", None]


class Refusing(type):
    """A class that raises, whatever it is asked for."""

    def __getattr__(cls, name: str) -> Any:
        raise RuntimeError(name)


def test_a_class_that_cannot_be_asked() -> None:
    """It costs its own object, and not what stands beside it."""
    assert plain({"a": 1, "b": Refusing("Odd", (), {})()}) == {"a": 1, "b": "<omitted: Odd>"}


def test_keys_that_a_library_brings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of opaque_keys is its text; it is known by the name of its class, so nothing has to be installed."""
    key = type("OpaqueKey", (), {"__module__": "opaque_keys", "__str__": lambda self: "course-v1:a+b+c"})
    assert plain(type("CourseLocator", (key,), {})()) == "course-v1:a+b+c"


def test_cycles_end() -> None:
    """What contains itself says so where it would begin again; what is merely there twice is told twice."""
    shared = [1]
    cyclic: dict[str, Any] = {"twice": [shared, shared]}
    cyclic["self"] = [cyclic]
    assert plain(cyclic) == {"twice": [[1], [1]], "self": [CYCLE]}


def test_depth_ends() -> None:
    """Below the deepest level a marker stands."""
    assert PlainMaker(depth=2).plain([[[1]], 2]) == [[DEPTH], 2]
    nested: list[Any] = []
    for _ in range(10_000):
        nested = [nested]
    assert DEPTH in json.dumps(plain(nested))


def test_size_ends() -> None:
    """A text that is too long is cut, members beyond are left out, and both say so."""
    maker = PlainMaker(max_bytes=1_024)
    cut = maker.plain({"a": "x" * 2_000, "b": 1})
    assert cut["a"].endswith(SIZE)
    assert cut["<omitted>"] == SIZE
    assert len(json.dumps(maker.plain(list(range(10**6))))) < 4_096
    assert len(json.dumps(maker.plain([[] for _ in range(10**6)]))) < 4_096
    assert len(json.dumps(maker.plain([""] * 10**6))) < 4_096
    assert len(json.dumps(maker.plain(dict.fromkeys(range(10**5))))) < 4_096


class Block:
    """A block of a course: knows its children, and they know it."""


def test_a_graph_of_objects_is_not_followed() -> None:
    """The parent with 20 children that took others 92 MB and 3 seconds: two levels of dicts that know each other."""
    parent: dict[str, Any] = {"name": "parent"}
    parent["children"] = [{"name": str(n), "parent": parent} for n in range(20)]
    for child in parent["children"]:
        child["siblings"] = parent["children"]
    began = time.perf_counter()
    size = len(json.dumps(plain(parent)))
    assert size < 300_000
    assert time.perf_counter() - began < 1
    assert plain(Block()) == "<omitted: Block>"


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | inner.map(Data),
    max_leaves=40,
)


@given(_values, st.sampled_from(["full", "ids_only", "none"]))
def test_it_is_always_json(value: object, mode: Any) -> None:
    """Whatever comes in, what comes out can be written, and is within the room there is."""
    made = PlainMaker(mode=mode, max_bytes=2_000, depth=6).plain(value)
    assert len(json.dumps(made, allow_nan=False)) < 2_000 * 12 + 10_000


def test_it_shares_nothing() -> None:
    """A list that the application changes afterwards does not change the event."""
    mutable = [1]
    made = plain({"a": mutable})
    mutable.append(2)
    assert made == {"a": [1]}


def test_now_is_aware() -> None:
    """A time of now keeps its microseconds."""
    now = datetime.now(UTC)
    assert plain(now) == now.isoformat()


def test_blocks() -> None:
    """A block of a course is its key, its type and its name; the graph of its course is not walked."""
    xblock = type("XBlock", (), {"__module__": "xblock.core"})
    block = type("ProblemBlock", (xblock,), {})()
    block.location, block.category, block.display_name = "block-v1:a", "problem", "P" * 1_000
    block.parent = block

    class Broken(xblock):  # type: ignore[valid-type, misc]  # made above
        """A block whose fields cannot be had."""

        @property
        def display_name(self) -> str:
            """Raise."""
            raise RuntimeError

    told = {"usage_key": "block-v1:a", "type": "problem", "display_name": "P" * 255}
    assert PlainMaker().plain({"block": block, "other": Broken()}) == {
        "block": told,
        "other": {"usage_key": None, "type": None, "display_name": None},
    }
