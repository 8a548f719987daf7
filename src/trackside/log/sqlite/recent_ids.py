"""Which message ids arrived lately: 64-bit keyed hashes in flat tables, forgotten a table at a time."""

import mmap
from collections.abc import Iterator, Sequence
from hashlib import blake2b

from trackside.event import Event

GENERATIONS = 3
"""One that fills and two that are full: at least two generations' worth of ids is remembered."""
LOAD = 0.6
TAIL_SLOTS = 4096
"""Room behind the last slot for keys that found theirs taken, so that probing never wraps."""
ID_BYTES = 8


class IdHasher:
    """Makes the 8-byte key of an event's (source, id). Without the secret nobody can make two ids collide."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._sources: dict[str, blake2b] = {}

    def keys(self, events: Sequence[Event]) -> bytes:
        """Return the keys of all events, one behind the other."""
        keys = []
        source, copy = None, None
        for event in events:
            if copy is None or event.source != source:
                source = event.source
                copy = self._state(source).copy
            # Copying a state that has the secret and the source in it costs a third less than starting anew.
            state = copy()
            state.update(event.id.encode())
            keys.append(state.digest())
        return b"".join(keys)

    def _state(self, source: str) -> blake2b:
        known = self._sources.get(source)
        if known is not None:
            return known
        if len(self._sources) > 1_000:
            self._sources.clear()
        state = blake2b(source.encode() + b"\0", digest_size=ID_BYTES, key=self._secret)
        self._sources[source] = state
        return state


class RecentIds:
    """Remembers the last `remembered` keys for `window_us`, some up to half as many and as long again.

    Open addressing in tables of 8-byte slots: a table is dropped whole, so forgetting costs nothing per id
    and memory is flat. Used by one thread.
    """

    def __init__(self, *, remembered: int, window_us: int) -> None:
        self._capacity = max(1, -(-remembered // (GENERATIONS - 1)))
        self._slots = int(self._capacity / LOAD) + 1
        self._lasts_us = max(1, window_us // (GENERATIONS - 1))
        self._window_us = window_us
        self._older: list[memoryview] = []
        self._older_until: list[int] = []
        self._current = self._table()
        self._count = 0
        self._began_at: int | None = None
        self._last_at = 0
        self._rotations = 0

    def _table(self) -> memoryview:
        # Private: a forked child goes its own way. Pages come into being as they are written.
        size = (self._slots + TAIL_SLOTS) * ID_BYTES
        return memoryview(mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)).cast("Q")

    def add(self, keys: bytes, at_us: int) -> list[int]:
        """Remember the keys; return the indexes of those that were known, also from earlier in `keys`."""
        known: list[int] = []
        for offset, numbers in self._parts(keys, at_us):
            found = self._add(numbers, offset)
            self._count += len(numbers) - len(found)
            known += found
        return known

    def load(self, keys: bytes, at_us: int) -> None:
        """Remember keys that are known to be new: twice as fast as asking."""
        slots = self._slots
        for _, numbers in self._parts(keys, at_us):
            current = self._current
            for key in numbers:
                slot = key % slots
                while current[slot]:
                    slot += 1
                current[slot] = key
            self._count += len(numbers)

    def _parts(self, keys: bytes, at_us: int) -> Iterator[tuple[int, list[int]]]:
        """Yield the keys in parts for which the current table has room, each with its offset."""
        numbers = memoryview(keys).cast("Q").tolist()
        done = 0
        while done < len(numbers):
            if self._began_at is None:
                self._began_at = at_us
            if self._count >= self._capacity or at_us - self._began_at >= self._lasts_us:
                self._rotate(at_us)
            room = self._capacity - self._count
            part = numbers[done : done + room] if done or len(numbers) > room else numbers
            yield done, part
            done += len(part)
            self._last_at = at_us

    def _add(self, numbers: list[int], offset: int) -> list[int]:
        # The one loop of the log that runs for each event: plain integers, no calls. The value 0 stands for
        # an empty slot; a key that is 0 is stored again each time it comes, once in 2**64.
        slots, current, older = self._slots, self._current, self._older
        known = []
        for index, key in enumerate(numbers, offset):
            home = slot = key % slots
            while found := current[slot]:
                if found == key:
                    break
                slot += 1
            if found:
                known.append(index)
                continue
            for table in older:
                old = home
                while found := table[old]:
                    if found == key:
                        break
                    old += 1
                if found:
                    known.append(index)
                    break
            else:
                current[slot] = key
        return known

    def _rotate(self, at_us: int) -> None:
        tables = [self._current, *self._older][: GENERATIONS - 1]
        until = [self._last_at, *self._older_until][: GENERATIONS - 1]
        alive = sum(
            last >= at_us - self._window_us for last in until
        )  # newest first: the dead ones are at the end
        self._older, self._older_until = tables[:alive], until[:alive]
        self._current = self._table()
        self._count = 0
        self._began_at = at_us
        self._rotations += 1

    @property
    def rotations(self) -> int:
        """How often a table was begun; `remove` is exact only while this stays the same."""
        return self._rotations

    def remove(self, keys: bytes, known: Sequence[int]) -> None:
        """Undo the last `add(keys)`, which returned `known`; only while `rotations` has not changed since."""
        numbers = memoryview(keys).cast("Q").tolist()
        for index in reversed(known):
            del numbers[index]
        current = self._current
        for key in reversed(numbers):  # the last one in is the end of its run: taking it out breaks no other
            slot = key % self._slots
            while current[slot] != key:
                slot += 1
            current[slot] = 0
        self._count -= len(numbers)
