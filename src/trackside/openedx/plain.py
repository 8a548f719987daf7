"""Any value of the platform → what JSON has: bounded, never following what would ask the database.

What is left out says so in its place: `<omitted: depth>`, `<omitted: size>`, `<omitted: cycle>`, or the name of a class
that nobody can tell as JSON.
"""

import dataclasses
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from trackside.processors.personal import Mode, Treatment, context_shown, treatment, without_values

DEPTH = "<omitted: depth>"
SIZE = "<omitted: size>"
CYCLE = "<omitted: cycle>"
REST = "<omitted>"
"""The name of the member that tells that others were left out."""

_MEMBER_BYTES = 8
LARGEST = 2**256
"""Beyond it digits take time; no id has so many."""
_MOST_NAMES = 10_000
_LONGEST_NAME = 255
_KEEP = Treatment.KEEP


class Shape(Enum):
    """What holds other values."""

    FIELDS = "fields"
    MAPPING = "mapping"
    LIST = "list"
    SET = "set"


How = Callable[[Any], Any] | Shape
"""Of a leaf the function that makes it plain."""


@dataclasses.dataclass(frozen=True)
class UserPersonalData:
    """As openedx-events has it."""

    username: str
    email: str
    name: str


@dataclasses.dataclass(frozen=True)
class UserData:
    """A user of Django, as openedx-events has one."""

    id: Any
    is_active: bool
    pii: UserPersonalData


class PlainMaker:
    """Makes values plain as settings say. Knows, once it has met a class, what to do with its objects."""

    def __init__(self, *, mode: Mode = "full", max_bytes: int = 60_000, depth: int = 20) -> None:
        self._mode = mode
        self.max_bytes = max_bytes
        self.depth = depth
        self.plans: dict[type, tuple[tuple[str, Treatment], ...]] = {}
        self._names: dict[str, Treatment] = {}

    def plain(self, value: Any) -> Any:
        """Return `value` in dicts with text keys, lists, texts, finite numbers, booleans and None; shares nothing."""
        return _Making(self, self.max_bytes).make(value, self.depth)

    def fields(self, kind: type) -> tuple[tuple[str, Treatment], ...]:
        """Return the fields of a class of `Shape.FIELDS`, in their order, and what becomes of them."""
        return self.plans.get(kind) or self.plan(kind, _field_names(kind))

    def plan(self, kind: type, names: tuple[str, ...]) -> tuple[tuple[str, Treatment], ...]:
        """Return what becomes of the fields of a class."""
        found = tuple((name, treatment(self._mode, name, kind.__name__)) for name in names)
        self.plans[kind] = found
        return found

    def of_name(self, name: str) -> Treatment:
        """Return what becomes of a member of a dict."""
        if self._mode == "full":
            return Treatment.KEEP
        known = self._names.get(name)
        if known is None:
            if len(self._names) > _MOST_NAMES:  # they come from outside
                self._names.clear()
            known = self._names[name] = treatment(self._mode, name)
        return known

    def reread(self, text: Any, how: Treatment) -> str | None:
        """Return JSON in a text with what may be said of it; None where it cannot be read."""
        try:
            value = json.loads(text)
            if not isinstance(value, dict):
                return None  # a text might be JSON again
            if how is Treatment.CONTEXT:
                value = context_shown(self._mode, value)
            return json.dumps(self.plain(without_values(value)))
        except (TypeError, ValueError, RecursionError):
            return None


class _Making:
    """One value on its way, with the room that is left and the containers around what is looked at."""

    __slots__ = ("_around", "_left", "_maker")

    def __init__(self, maker: PlainMaker, left_bytes: int) -> None:
        self._maker = maker
        self._left = left_bytes
        self._around: set[int] = set()

    def make(self, value: Any, levels: int) -> Any:
        kind = type(value)
        self._left -= _MEMBER_BYTES
        if kind is str:
            return self._text(value)
        if kind is bool or value is None or (kind is int and -LARGEST <= value <= LARGEST):
            return value
        how = _HOW.get(kind) or how_of(kind)
        if isinstance(how, Shape):
            return self._inside(how, value, levels)
        try:
            found = how(value)
        except Exception:  # noqa: BLE001  # the border: an object that cannot say what it is
            return _omitted(value)
        if type(found) is str:
            return self._text(found)
        return self.make(found, levels) if how is _as_loaded or isinstance(found, UserData) else found

    def _text(self, text: str) -> str:
        self._left -= len(text)
        if self._left >= 0:
            return text
        room = self._left + len(text)
        self._left = 0
        return text[:room] + SIZE if room > 0 else SIZE

    def _inside(self, how: Shape, value: Any, levels: int) -> Any:
        if levels <= 0:
            return DEPTH
        if self._left <= 0:
            return SIZE
        if id(value) in self._around:
            return CYCLE
        self._around.add(id(value))
        try:
            match how:
                case Shape.FIELDS:
                    return self._fields(value, levels)
                case Shape.MAPPING:
                    return self._members(value, levels)
                case Shape.LIST:
                    return self._items(value, levels)
                case Shape.SET:
                    return self._items(sorted(value, key=str), levels)  # in one order everywhere
        except Exception:  # noqa: BLE001  # see make
            return _omitted(value)
        finally:
            self._around.discard(id(value))

    def _fields(self, value: Any, levels: int) -> dict[str, Any]:
        plan = self._maker.fields(type(value))
        make, inner = self.make, levels - 1
        return {
            name: make(getattr(value, name), inner) if how is _KEEP else self._told(getattr(value, name), how)
            for name, how in plan
        }

    def _members(self, value: Any, levels: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, member in value.items():
            if self._left <= 0:
                made[REST] = SIZE
                break
            name = key if type(key) is str else str(self.make(key, 1))
            how = self._maker.of_name(name)
            told = self._text(name)  # it may be cut; what becomes of the member is a matter of the whole
            made[told] = self.make(member, levels - 1) if how is _KEEP else self._told(member, how)
        return made

    def _items(self, value: Any, levels: int) -> list[Any]:
        made: list[Any] = []
        for item in value:
            if self._left <= 0:
                made.append(SIZE)
                break
            made.append(self.make(item, levels - 1))
        return made

    def _told(self, value: Any, how: Treatment) -> Any:
        self._left -= _MEMBER_BYTES
        if how is Treatment.HIDE:
            return None
        text = self._maker.reread(value, how)
        return None if text is None else self._text(text)


def iso(moment: datetime) -> str:
    """Return a time in UTC, a naive one as if it were."""
    if moment.tzinfo is UTC:
        return moment.isoformat()
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    try:
        return aware.astimezone(UTC).isoformat()
    except OverflowError:  # the first or the last day of the calendar, in another zone
        return aware.isoformat()


def _finite(number: float) -> float | None:
    return float(number) if number - number == 0 else None


def _as_user(user: Any) -> UserData:
    profile = user._state.fields_cache.get("profile")  # noqa: SLF001  # what asking for it might query
    unread = user.get_deferred_fields()

    def known(name: str) -> Any:
        return "" if name in unread else getattr(user, name, "")

    pii = UserPersonalData(
        str(known(user.USERNAME_FIELD)), str(known("email")), str(getattr(profile, "name", ""))
    )
    return UserData(user.pk, bool(known("is_active")), pii)


def _as_row(row: Any) -> dict[str, Any]:
    pk = row.pk
    plain = pk if type(pk) is int or pk is None else str(pk)  # that of a course is a key
    return {"model": row._meta.label_lower, "pk": plain}  # noqa: SLF001  # Django's public name for it


def _of_enum(member: Enum) -> Any:
    value = member.value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return _whole(value)
    return _finite(value) if isinstance(value, float) else member.name


def _whole(number: int) -> int | str:
    return int(number) if -LARGEST <= number <= LARGEST else _omitted(number)


def _as_loaded(lazy: Any) -> Any:
    """Return what an object of Django's that is made when it is needed stands for; nobody has it made here."""
    from django.utils.functional import empty

    loaded = lazy._wrapped  # noqa: SLF001  # the object itself would have it made
    return _omitted(lazy) if loaded is empty else loaded


def attribute(value: Any, name: str) -> Any:
    """Return an attribute of an object of the platform's; None where there is none, or it cannot be had."""
    try:
        return getattr(value, name, None)
    except Exception:  # noqa: BLE001  # the border: fields of blocks are computed, and raise what they like
        return None


def block_told(block: Any) -> dict[str, Any]:
    """Return the key, the type and the name of a block of a course; null each where it has none."""
    key = attribute(block, "usage_key") or attribute(block, "location")
    kind = attribute(block, "category") or attribute(attribute(block, "scope_ids"), "block_type")
    name = attribute(block, "display_name")
    return {
        "usage_key": None if key is None else str(key)[:_LONGEST_NAME],
        "type": kind[:_LONGEST_NAME] if isinstance(kind, str) else None,
        "display_name": name[:_LONGEST_NAME] if isinstance(name, str) else None,
    }


def _omitted(value: Any) -> str:
    return f"<omitted: {type(value).__qualname__}>"


_HOW: dict[type, How] = {
    float: _finite,
    dict: Shape.MAPPING,
    list: Shape.LIST,
    tuple: Shape.LIST,
    set: Shape.SET,
    frozenset: Shape.SET,
    datetime: iso,
    UUID: str,
    bytes: lambda value: b64encode(value).decode("ascii"),
}
"""Class → how its objects are made plain; others join as they are met."""
_KINDS: tuple[tuple[type | tuple[type, ...], How], ...] = (
    (Enum, _of_enum),
    (str, str.__str__),
    (int, _whole),
    (float, _finite),
    (datetime, iso),
    ((date, time), lambda value: value.isoformat()),
    (timedelta, timedelta.total_seconds),
    ((UUID, Decimal, PurePath), str),
    ((bytes, bytearray, memoryview), lambda value: b64encode(value).decode("ascii")),
    (Mapping, Shape.MAPPING),
    ((list, tuple), Shape.LIST),
    ((set, frozenset), Shape.SET),
)


def how_of(kind: type) -> How:
    """Return how objects of a class are made plain."""
    how = _HOW.get(kind)
    if how is None:
        try:
            how = _how(kind)
        except Exception:  # noqa: BLE001  # the border: a class that cannot even be asked what it has
            how = _omitted
        _HOW[kind] = how
    return how


def _how(kind: type) -> How:
    for known, how in _KINDS:
        if issubclass(kind, known):
            return how
    if hasattr(kind, "__attrs_attrs__") or dataclasses.is_dataclass(kind):
        return Shape.FIELDS
    if hasattr(kind, "_meta") and hasattr(kind, "pk"):
        return _as_user if hasattr(kind, "get_username") else _as_row
    # told by name: where their packages are not there, no object can be one of theirs
    names = {f"{each.__module__}.{each.__name__}" for each in kind.__mro__}
    if names & {"opaque_keys.OpaqueKey", "django.utils.functional.Promise"}:
        return str
    if "django.utils.functional.LazyObject" in names:
        return _as_loaded
    return block_told if "xblock.core.XBlock" in names else _omitted


def _field_names(kind: type) -> tuple[str, ...]:
    attributes = getattr(kind, "__attrs_attrs__", None)
    if attributes is not None:
        return tuple(each.name for each in attributes)
    return tuple(each.name for each in dataclasses.fields(kind))
