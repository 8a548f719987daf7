"""The files that are being written, one a day, and what is known about them after a crash.

An event is in a journal before it is noted as delivered, and a journal is made into a file that readers see when it is
large or old enough. Behind a crash there are three kinds of journals:

- not finished: what is behind the note is cut off, nobody saw it; the rest is finished at once;
- finished, noted as a whole: nothing is left to be done;
- finished, but what is behind the note was seen by readers and comes again: it is looked up, and not written twice.

So that the third kind is known, a journal stays until a note that covers all of it is kept.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from trackside.destinations.files.formats import format_of
from trackside.destinations.files.layout import OPEN, journals, new_name, suffix_of
from trackside.destinations.files.part import Part
from trackside.destinations.written import Written

logger = logging.getLogger(__name__)

MOST_OPEN: Final = 8
"""Days that are written at a time: more than two only in a replay."""
AGAIN_S: Final = 10.0
"""How soon a file that could not be finished is tried again."""


class Note(Struct, frozen=True, kw_only=True):
    """Of each journal that there is, so many bytes are noted as delivered."""

    folder: str
    parts: dict[str, int]


class Parts:
    """The parts of one folder. Not for several threads at a time."""

    def __init__(
        self,
        folder: Path,
        suffix: str,
        *,
        max_bytes: int,
        max_age_s: float,
        monotonic: Callable[[], float],
    ) -> None:
        """`suffix` says how new ones are written; `formats` has those there are."""
        self.written = Written()
        """What comes again, and is in a finished file already."""
        self._folder = folder
        self._suffix = suffix
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        self._monotonic = monotonic
        self._open: dict[str, Part] = {}
        self._full: list[Part] = []
        """Nothing is added to them any more, and readers do not see them yet."""
        self._finished: list[Part] = []
        self._covered: list[Part] = []
        """Those of the finished that the last note covers."""
        self._again_at = float("-inf")

    def recover(self, text: str | None) -> None:
        """Set right what the last process left behind. Raises OSError."""
        (self._folder / OPEN).mkdir(parents=True, exist_ok=True)
        note = _decoded(text)
        for name in journals(self._folder):
            # without a note nothing was sent here: these are the work of somebody who is gone, and whole lines count
            self._recover(self._folder, name, None if note is None else note.parts.get(name, 0))
        if note is not None and Path(note.folder) != self._folder:  # `path` was changed after a crash
            for name in set(journals(Path(note.folder))).intersection(note.parts):
                self._recover(Path(note.folder), name, note.parts[name])
        self.finish_due(all_of_them=True)

    def _recover(self, folder: Path, name: str, noted: int | None) -> None:
        format_ = format_of(suffix_of(name))
        if format_ is None:
            logger.warning("a file is of a format that is not known here", extra={"file": name})
            return
        part = Part(folder, name, format_, begun_at=self._monotonic())
        if part.is_finished:
            part.close()
            if noted is not None and noted < part.size:
                for line in part.lines_behind(noted):
                    self.written.add(line)
                part.held_at = noted
            self._finished.append(part)
            return
        part.cut(
            sum(len(line) + 1 for line in part.lines_behind(0)) if noted is None else min(noted, part.size)
        )
        self._full.append(part)

    def append(self, lines_by_day: Mapping[str, tuple[int, bytes]]) -> bool:
        """Add lines, all or none; return whether a file was begun. Of each day: the first's position, and the lines.

        Raises OSError.
        """
        before: list[tuple[Part, int]] = []
        begun = False
        try:
            for day, (position, lines) in lines_by_day.items():
                if day not in self._open:
                    self._begin(day, position)
                    begun = True
                part = self._open[day]
                before.append((part, part.size))
                part.append(lines)
        except OSError:
            for part, size in before:
                with suppress(OSError):  # cut before the next line then
                    part.cut(size)
            raise
        return begun

    def _begin(self, day: str, position: int) -> None:
        if len(self._open) >= MOST_OPEN:
            oldest = min(self._open, key=lambda day: self._open[day].begun_at)
            self._full.append(self._open.pop(oldest))
        format_ = format_of(self._suffix)
        assert format_ is not None  # noqa: S101  # the settings allow no other
        name = new_name(self._folder, day, position, self._suffix)
        self._open[day] = Part(self._folder, name, format_, begun_at=self._monotonic())

    def finish_due(self, *, all_of_them: bool = False) -> float | None:
        """Let readers see what is large or old enough; return after how many seconds to ask again, if ever."""
        now = self._monotonic()
        for day, part in list(self._open.items()):
            if all_of_them or part.size >= self._max_bytes or now - part.begun_at >= self._max_age_s:
                self._full.append(self._open.pop(day))
        if self._full and (all_of_them or now >= self._again_at):
            self._full = [part for part in self._full if not self._finish(part)]
            self._again_at = now + AGAIN_S if self._full else now
        waits = [part.begun_at + self._max_age_s - now for part in self._open.values()]
        if self._full:
            waits.append(self._again_at - now)
        return max(0.0, min(waits)) if waits else None

    def _finish(self, part: Part) -> bool:
        try:
            if part.size == 0:
                part.forget()
                return True
            part.finish()
        except Exception:
            # the border: whatever a library says about one file must not stop the others; its journal stays
            logger.exception("a file cannot be finished; it is tried again", extra={"file": part.name})
            return False
        self._finished.append(part)
        return True

    def note(self) -> str:
        """Return the note of all that was appended, which survives a power cut then. Raises OSError."""
        noted: dict[str, int] = {}
        for part in (*self._open.values(), *self._full):
            part.secure()
            noted[part.name] = part.size
        for part in self._finished:
            if not self.written:
                part.held_at = None
            noted[part.name] = part.size if part.held_at is None else part.held_at
        self._covered = [part for part in self._finished if part.held_at is None]
        return msgspec.json.encode(Note(folder=str(self._folder), parts=noted)).decode()

    def forget_covered(self) -> None:
        """Remove the journals of finished files that the last note covers; call it when that note is kept."""
        covered, self._covered = self._covered, []
        for part in covered:
            try:
                part.forget()
            except OSError:
                logger.warning("a journal cannot be removed", exc_info=True, extra={"file": part.name})
        gone = {id(part) for part in covered}
        self._finished = [part for part in self._finished if id(part) not in gone]

    def close(self) -> None:
        """Let readers see everything, and close what is open."""
        self.finish_due(all_of_them=True)
        self._close(self._full)
        self._close(self._finished)

    @staticmethod
    def _close(parts: Iterable[Part]) -> None:
        for part in parts:
            part.close()


def _decoded(text: str | None) -> Note | None:
    try:
        return None if text is None else msgspec.json.decode(text, type=Note)
    except msgspec.MsgspecError:
        return None
