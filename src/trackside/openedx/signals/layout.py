"""Where the values of a signal are, and the JSON around them; the same for all with objects of the same classes."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from trackside.openedx.plain import PlainMaker, Shape, how_of
from trackside.openedx.signals.subject import course_paths, user_paths
from trackside.processors.personal import Treatment

METADATA = ("event_type", "id", "minorversion", "source", "sourcehost", "time", "sourcelib")
"""The fields of an `EventsMetadata`, in the order of its own JSON."""
EVENT_TYPE, ID, TIME = (METADATA.index(name) for name in ("event_type", "id", "time"))

_METADATA_KINDS = (str, UUID, int, str, str, datetime, tuple)
_MOST_FORMS = 500
_VALUE_BYTES = 40
"""No time, id, or number of 64 bits has more in JSON."""
_LONG_NUMBER_BYTES = 80
_AS_IT_IS = frozenset({str, int, float, bool, type(None)})
_encode = msgspec.json.Encoder().encode


class UnusualError(Exception):
    """A signal cannot be written in one step."""


class Form(NamedTuple):
    """What becomes of the values of a layout, whose classes are known."""

    converted: tuple[tuple[int, Callable[[Any], Any]], ...] = ()
    times: tuple[int, ...] = ()
    numbers: tuple[int, ...] = ()
    """Where an int is, which may be a huge one."""
    users: tuple[int, ...] = ()
    """Where the id of the user may stand whom the signal is about; the first that is there is it."""
    courses: tuple[int, ...] = ()
    texts: Callable[[Sequence[Any]], tuple[str, ...]] = tuple
    """Returns all values that are texts by themselves."""
    json_bytes: int = 0
    """So many has the JSON of a signal at most, but for its texts and what is converted."""


ELSEWHERE = Form()
"""The classes are those of another layout."""


class Layout:
    """One way through the objects of a signal, from a namespace of its arguments and its metadata."""

    __slots__ = ("_classes", "_courses", "_paths", "_users", "forms", "objects", "text", "values")

    def __init__(self, maker: PlainMaker, data: Mapping[str, Any]) -> None:
        """Find the way by an example. Raises UnusualError where there is none."""
        walk = _Walk(maker)
        text = walk.members((name, value, maker.of_name(name), name) for name, value in data.items())
        metadata = b",".join(b"%b:%%b" % _encode(name) for name in METADATA)
        self.text = b"{%b}\n%b" % (metadata, text)
        """Two lines, with a place for each value."""
        self.objects = len(walk.objects)
        """So many of the values are objects that hold others."""
        self.values: Callable[[Any], tuple[Any, ...]] = attrgetter(
            *walk.objects, *(f"metadata.{name}" for name in METADATA), *walk.leaves
        )
        """Returns the objects, and then what stands in the places of the text."""
        self.forms: dict[tuple[type, ...], Form | None] = {}
        """By the classes of the values; None where they are for the long way."""
        self._classes = tuple(walk.objects.values())
        self._paths = {path: at for at, path in enumerate(walk.leaves, len(METADATA))}
        self._users, self._courses = user_paths(walk.fields), course_paths(walk.fields)

    def form(self, classes: tuple[type, ...]) -> Form | None:
        """Return what `forms` has for these classes from now on."""
        if len(self.forms) >= _MOST_FORMS:
            self.forms.clear()
        self.forms[classes] = found = self._form(classes[: self.objects], classes[self.objects :])
        return found

    def _form(self, objects: tuple[type, ...], leaves: tuple[type, ...]) -> Form | None:
        if leaves[: len(METADATA)] != _METADATA_KINDS:
            return None
        kinds = list(enumerate(leaves))[len(METADATA) :]
        others = [(at, kind, how_of(kind)) for at, kind in kinds if kind not in _AS_IT_IS]
        if objects != self._classes or any(how is Shape.FIELDS for _, _, how in others):
            return ELSEWHERE
        times, numbers = (tuple(at for at, each in kinds if each is kind) for kind in (datetime, int))
        users, courses = (
            tuple(self._paths[path] for path in paths if path in self._paths)
            for paths in (self._users, self._courses)
        )
        converted = []
        for at, kind, how in others:
            if isinstance(how, Shape) or (kind is datetime and at in users + courses):
                return None
            if kind is not datetime:
                converted.append((at, how))
        texts = itemgetter(*(at for at, kind in enumerate(leaves) if kind is str))
        long = len(numbers) + len(converted)
        json_bytes = len(self.text) + _VALUE_BYTES * len(leaves) + _LONG_NUMBER_BYTES * long
        return Form(tuple(converted), times, numbers, users, courses, texts, json_bytes)


class _Walk:
    """Goes through the arguments of a signal, and notes what it finds where."""

    def __init__(self, maker: PlainMaker) -> None:
        self._maker = maker
        self.objects: dict[str, type] = {}
        self.leaves: list[str] = []
        self.fields: dict[str, tuple[str, ...]] = {}
        """The names of the fields of each argument that has fields."""

    def members(self, given: Any, levels: int | None = None) -> bytes:
        """Return the text of an object with members (name, value, treatment, path)."""
        inner = self._maker.depth - 1 if levels is None else levels - 1
        written = []
        for name, value, how, path in given:
            if not name.isidentifier() or name.startswith("__"):  # not to be had by a path
                raise UnusualError
            if how is Treatment.KEEP:
                text = self._value(value, path, inner)
            elif how is Treatment.HIDE:
                text = b"null"
            else:
                raise UnusualError
            written.append(b"%b:%b" % (_encode(name), text))
        return b"{%b}" % b",".join(written)

    def _value(self, value: Any, path: str, levels: int) -> bytes:
        kind = type(value)
        if how_of(kind) is not Shape.FIELDS:
            self.leaves.append(path)
            return b"%b"
        if levels <= 0:
            raise UnusualError
        plan = self._maker.fields(kind)
        self.objects[path] = kind
        if "." not in path:
            self.fields[path] = tuple(name for name, _ in plan)
        return self.members(
            ((name, getattr(value, name), how, f"{path}.{name}") for name, how in plan), levels
        )
