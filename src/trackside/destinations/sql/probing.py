"""Is the table as it must be? Found out by rows that are added and taken back, not by reading its description."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from msgspec.structs import replace

from trackside.destinations.event_row import COLUMNS, Row
from trackside.destinations.sql.engine import Engine, sentence
from trackside.errors import DestinationError

_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
_ROW: Final = Row(
    "trackside probe", "probe", "track", "trackside", "7", "a", _AT, _AT, "x", "x", "{}", "{}", "{}"
)
_REMEDY: Final = "make it PRIMARY KEY (source, id), with a collation that tells all texts apart"


def prepare(engine: Engine, connection: Any, table: str) -> None:
    """Make the table where there is none, and see that it does what it must.

    Raises DestinationError with what is wrong with it, and what the driver raises.
    """
    columns = engine.columns(connection)
    if columns is None:
        engine.create(connection)
        connection.commit()
        columns = engine.columns(connection) or ()
    missing = [name for name in COLUMNS if name not in {column.lower() for column in columns}]
    if missing:
        raise DestinationError(
            f"table {table} has no column {', '.join(missing)}; add it, or set table to one that is not there yet"
        )
    if reason := engine.why_unfit(connection):
        raise DestinationError(f"table {table} {reason}")
    try:
        _probe(engine, connection, table)
    finally:
        with suppress(*engine.errors):  # lost meanwhile: nothing of it is kept then
            connection.rollback()


def _probe(engine: Engine, connection: Any, table: str) -> None:
    try:
        engine.insert(connection, [_ROW])
        if engine.insert(connection, [_ROW]) != 0:
            raise DestinationError(f"table {table} takes the same event twice; {_REMEDY}")
        for other in (
            replace(_ROW, source="Trackside"),
            replace(_ROW, id="Trackside probe"),
            replace(_ROW, id="trackside probe "),
        ):
            if engine.insert(connection, [other]) != 1:
                raise DestinationError(f"table {table} takes two events for one; {_REMEDY}")
    except engine.errors as error:
        raise DestinationError(f"table {table} takes no event: {sentence(error)}") from error
