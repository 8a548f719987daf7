"""What the databases have in common: connections as PEP 249 has them, and whose fault an error is."""

import re
from collections.abc import Sequence
from typing import Any, Final, Protocol

from trackside.destinations.event_row import COLUMNS, Row

_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_LONGEST: Final = 200


class Engine(Protocol):
    """One kind of database, with one table in it. All of it blocks, and belongs to one thread."""

    errors: tuple[type[Exception], ...]
    """What the driver raises."""
    told: str
    """The database's name, for operators."""

    def connect(self) -> Any:  # the drivers' classes have nothing in common but PEP 249
        """Return a new connection, within which every statement is part of a transaction."""
        ...

    def columns(self, connection: Any) -> Sequence[str] | None:
        """Return the table's columns; None where there is no such table."""
        ...

    def create(self, connection: Any) -> None:
        """Make the table, with its key; it may be there meanwhile."""
        ...

    def why_unfit(self, connection: Any) -> str | None:
        """Return why the table can keep no promise, beyond its columns and its key; or None."""
        ...

    def insert(self, connection: Any, rows: Sequence[Row]) -> int:
        """Add the rows whose source and id are not in the table; return how many. Does not commit."""
        ...

    def blames_row(self, error: Exception) -> bool:
        """Return whether the error is about what is in a row, and would be the same at any time."""
        ...


def sentence(error: Exception) -> str:
    """Return what a driver says, without what may be of an event or of the URL: its first line, values left out."""
    text = next((str(part) for part in reversed(error.args) if isinstance(part, str) and part), "")
    first = (text or type(error).__name__).strip().partition("\n")[0]
    return _QUOTED.sub(_shown, first)[:_LONGEST]


def _shown(found: re.Match[str]) -> str:
    return found[0] if found[0][1:-1] in COLUMNS else "…"
