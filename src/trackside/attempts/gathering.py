"""Notes of one turn of an event loop, brought into the journal together."""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Sequence

Bring = Callable[[Sequence[bytes], Sequence[str]], None]
"""Takes records, and for each the name of the destination it is about."""


class Gathering:
    """Gathers for one event loop, in whose thread it is used.

    What is noted in a turn of the loop is in the journal before anything that is scheduled after it happens: before
    the request is sent, where that is left to the loop and does not stand in this turn already.
    """

    def __init__(self, loop: AbstractEventLoop, bring: Bring) -> None:
        self._call_soon = loop.call_soon
        self._bring = bring
        self._records: list[bytes] = []
        self._names: list[str] = []

    def add(self, record: bytes, name: str) -> None:
        """Take a record about the destination of this name. Raises RuntimeError where the loop is closed."""
        if not self._records:
            self._call_soon(self.flush)
        self._records.append(record)
        self._names.append(name)

    def flush(self) -> None:
        """Bring what was gathered so far."""
        if self._records:
            records, names = self._records, self._names
            self._records, self._names = [], []
            self._bring(records, names)
