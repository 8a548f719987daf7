"""The JSON of a signal in one step, where its objects are of the same classes as those of an earlier one.

Most signals of a type are. All values of one are had by one call, those inside of objects too, and their classes tell
whether all is as it was. None of these values can change, so they are written when there is time for it: by one call,
and put into the text around them.
"""

from collections.abc import Mapping
from datetime import UTC
from types import SimpleNamespace
from typing import Any

import msgspec
from msgspec import Struct

from trackside.emitted import UnwrittenEvent, WrittenEvent, encode_json
from trackside.openedx.plain import LARGEST, PlainMaker, iso
from trackside.openedx.signals.layout import ELSEWHERE, EVENT_TYPE, ID, TIME, Form, Layout
from trackside.openedx.signals.subject import course_in, id_in

_MOST_LAYOUTS = 8
_MOST_TYPES = 1_000
_MOST_TIMES_JSON = 5
"""No value counts for more than so many times the length of its JSON, in which each member has two bytes at least."""
_CHARACTER_BYTES = 6
"""No character has more in JSON."""
_MEMBER_BYTES = 100
"""Of a context, beside a text: the name of a member and its other values."""
_LEAVES = frozenset({str, int, float})
_CHANGELESS = frozenset({int, float, bool, type(None)})
_ENCODER = msgspec.json.Encoder()
_encode, _encode_lines = _ENCODER.encode, _ENCODER.encode_lines


class UnwrittenSignal(Struct, frozen=True, gc=False):
    """A signal as its values, to be written at any time; an `UnwrittenEvent`."""

    layout: Layout
    form: Form
    leaves: list[Any]
    """What stands in the places of the layout."""
    context: dict[str, Any]
    says_user: bool
    from_bus: bool
    size_bytes: int

    def written(self) -> WrittenEvent:
        """Return the event of the signal; the user and the course that it is about are the first it mentions."""
        form, leaves = self.form, self.leaves
        lines = _lines(leaves)
        for at in form.times:
            time = leaves[at]
            lines[at] = lines[at][:-2] + _UTC if time.tzinfo is UTC else _encode(iso(time))
        lines[TIME] = lines[TIME][:-2] + _UTC
        metadata, _, told = (self.layout.text % tuple(lines)).partition(b"\n")
        user_id, course = None, _NO_COURSE
        for at in form.users if self.says_user else ():
            if user_id := id_in(leaves[at]):
                break
        for at in form.courses:
            if course := course_in(leaves[at]):
                break
        return WrittenEvent(
            lines[ID][1:-1].decode(),
            leaves[EVENT_TYPE],
            leaves[TIME],
            told,
            self.context | course,
            user_id,
            metadata_member(metadata, from_bus=self.from_bus),
        )


def metadata_member(metadata: bytes, *, from_bus: bool) -> bytes:
    """Return the `extra` of the event of a signal whose metadata has this JSON."""
    return (_FROM_BUS if from_bus else _METADATA) % metadata


class SignalWriter:
    """Makes events of signals in one step; learns the layouts of a type from the first ones of it."""

    def __init__(self, maker: PlainMaker, *, says_user: bool = True) -> None:
        self._maker = maker
        self._says_user = says_user
        self._layouts: dict[str, list[Layout]] = {}
        self._lessons: dict[str, int] = {}

    def event(
        self, metadata: Any, data: Mapping[str, Any], context: dict[str, Any], *, bus: bool = False
    ) -> WrittenEvent | UnwrittenEvent | None:
        """Return the signal's event, its data as `PlainMaker.plain` has it; None where only the long way knows how.

        Nobody changes the dict `context` afterwards.
        """
        try:
            said, type_ = SimpleNamespace(metadata=metadata, **data), metadata.event_type
            for layout in self._layouts.get(type_, ()):
                try:
                    values = layout.values(said)
                except AttributeError:  # None in the place of an object, for one
                    continue
                classes = tuple(map(type, values))
                try:
                    form = layout.forms[classes]
                except KeyError:
                    form = layout.form(classes)
                if form is None:
                    return None
                if form is not ELSEWHERE:
                    return self._take(layout, form, list(values[layout.objects :]), context, bus=bus)
            self._learn(type_, data)
        except Exception:  # noqa: BLE001, S110  # whatever it is, the long way knows what to do with it
            pass
        return None

    def _take(
        self, layout: Layout, form: Form, leaves: list[Any], context: dict[str, Any], *, bus: bool
    ) -> WrittenEvent | UnwrittenEvent | None:
        characters = sum(map(len, form.texts(leaves)))
        for at, plain in form.converted:
            leaf = leaves[at] = plain(leaves[at])
            if type(leaf) is str:
                characters += len(leaf)
            elif type(leaf) not in _LEAVES:
                return None
        for at in form.numbers:
            if not -LARGEST <= leaves[at] <= LARGEST:
                return None
        if leaves[TIME].tzinfo is not UTC or not leaves[EVENT_TYPE]:
            return None
        changeless = True
        json_bytes = form.json_bytes + _CHARACTER_BYTES * characters
        size_bytes = json_bytes + _MEMBER_BYTES * len(context)
        for value in context.values():
            if type(value) is str:
                size_bytes += _CHARACTER_BYTES * len(value)
            elif type(value) not in _CHANGELESS:
                changeless = False
        event = UnwrittenSignal(layout, form, leaves, context, self._says_user, bus, size_bytes)
        if _MOST_TIMES_JSON * json_bytes > self._maker.max_bytes:
            written = event.written()
            return written if _MOST_TIMES_JSON * len(written.data) <= self._maker.max_bytes else None
        return event if changeless else event.written()

    def _learn(self, type_: str, data: Mapping[str, Any]) -> None:
        lessons = self._lessons.get(type_, 0)
        if lessons < _MOST_LAYOUTS and len(self._lessons) < _MOST_TYPES:
            self._lessons[type_] = lessons + 1
            self._layouts.setdefault(type_, []).append(Layout(self._maker, data))


def _lines(leaves: list[Any]) -> list[bytes]:
    """Return the JSON of each; times as msgspec writes them."""
    try:
        return _encode_lines(leaves).split(b"\n")[:-1]
    except ValueError:  # half a character
        return [encode_json(leaf) if type(leaf) is str else _encode(leaf) for leaf in leaves]


_UTC = b'+00:00"'
_METADATA = b',"event_metadata":%b'
_FROM_BUS = _METADATA + b',"from_event_bus":true'
_NO_COURSE: dict[str, str] = {}
