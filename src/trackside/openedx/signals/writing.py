"""The JSON of a signal in one step, where its objects are of the same classes as those of an earlier one.

Most signals of a type are. All values of one are had by one call, those inside of objects too; their classes tell
whether all is as it was; then the values are written by one call, and put into the text around them.
"""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import msgspec

from trackside.openedx.plain import LARGEST, PlainMaker, iso
from trackside.openedx.signals.layout import ELSEWHERE, ID, TIME, Form, Layout
from trackside.openedx.signals.subject import course_in, id_in

_MOST_LAYOUTS = 8
_MOST_TYPES = 1_000
_MOST_TIMES_JSON = 5
"""No value counts for more than so many times the length of its JSON, in which each member has two bytes at least."""
_LEAVES = frozenset({str, int, float})
_ENCODER = msgspec.json.Encoder()
_encode, _encode_lines = _ENCODER.encode, _ENCODER.encode_lines


WrittenSignal = tuple[str, bytes, bytes, str | None, dict[str, str]]
"""What a signal says: its id, the JSON of its arguments and that of its metadata, whom and which course it is about."""


class SignalWriter:
    """Writes signals in one step; learns the layouts of a type from the first ones of it."""

    def __init__(self, maker: PlainMaker) -> None:
        self._maker = maker
        self._layouts: dict[str, list[Layout]] = {}
        self._lessons: dict[str, int] = {}

    def write(self, metadata: Any, data: Mapping[str, Any]) -> WrittenSignal | None:
        """Return the signal as the long way writes it, `PlainMaker.plain`; None where only that knows how."""
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
                    return self._write(layout, form, values)
            self._learn(type_, data)
        except Exception:  # noqa: BLE001, S110  # whatever it is, the long way knows what to do with it
            pass
        return None

    def _write(self, layout: Layout, form: Form, values: tuple[Any, ...]) -> WrittenSignal | None:
        leaves = list(values[layout.objects :])
        for at, plain in form.converted:
            leaf = leaves[at] = plain(leaves[at])
            if type(leaf) not in _LEAVES:
                return None
        for at in form.numbers:
            if not -LARGEST <= leaves[at] <= LARGEST:
                return None
        lines = _encode_lines(leaves).split(b"\n")
        for at in form.times:
            line = lines[at]
            lines[at] = line[:-2] + b'+00:00"' if line.endswith(b'Z"') else _encode(iso(leaves[at]))
        time = lines[TIME]
        if not time.endswith(b'Z"'):
            return None
        lines[TIME] = time[:-2] + b'+00:00"'
        metadata, _, told = (layout.text % tuple(lines[:-1])).partition(b"\n")
        if _MOST_TIMES_JSON * len(told) > self._maker.max_bytes:
            return None
        user_id, course = None, _NO_COURSE
        for at in form.users:
            if user_id := id_in(leaves[at]):
                break
        for at in form.courses:
            if course := course_in(leaves[at]):
                break
        return lines[ID][1:-1].decode(), told, metadata, user_id, course

    def _learn(self, type_: str, data: Mapping[str, Any]) -> None:
        lessons = self._lessons.get(type_, 0)
        if lessons < _MOST_LAYOUTS and len(self._lessons) < _MOST_TYPES:
            self._lessons[type_] = lessons + 1
            self._layouts.setdefault(type_, []).append(Layout(self._maker, data))


_NO_COURSE: dict[str, str] = {}
