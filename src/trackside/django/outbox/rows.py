"""An event as a row: its JSON, the statement that inserts several, and back."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from django.db.backends.base.base import BaseDatabaseWrapper
from msgspec import Raw

from trackside.backends.log.fast_json import encode_quickly
from trackside.clock import parse_timestamp
from trackside.emitted import EmittedEvent, UnwrittenEvent, WrittenEvent, dumps, in_ascii
from trackside.emitted.identity import event_id, sending_as
from trackside.event import decode_object

INSERT_ROWS = 200
"""Most rows one INSERT holds: SQLite, as Django knows it, takes 999 parameters."""
INSERT_CHARS = 1_000_000
"""About the longest INSERT, unless a single event is longer: MariaDB refuses statements of more than 16 MB."""

# Plain names of our own, none of them reserved: nothing here has to be quoted.
_INSERT = "INSERT INTO trackside_outbox (event_id, tracker, emitted_us, body) VALUES "
_SELECT = (
    "SELECT id, event_id, tracker, emitted_us, attempts, body FROM trackside_outbox ORDER BY id LIMIT %s"
)
_DELETE = "DELETE FROM trackside_outbox WHERE id IN "
_DELETE_ONE = "DELETE FROM trackside_outbox WHERE id = %s"
_COUNT_ATTEMPT = "UPDATE trackside_outbox SET attempts = attempts + 1 WHERE id IN "
_SET_ASIDE = (
    "INSERT INTO trackside_outbox_set_aside"
    " (event_id, tracker, emitted_us, attempts, body, reason, set_aside_us) VALUES (%s, %s, %s, %s, %s, %s, %s)"
)
_TAKE_BACK = (
    "INSERT INTO trackside_outbox (event_id, tracker, emitted_us, body)"
    " SELECT event_id, tracker, emitted_us, body FROM trackside_outbox_set_aside ORDER BY id"
)
_EMPTY_SET_ASIDE = "DELETE FROM trackside_outbox_set_aside"


_MORE = ("id", "user_id", "extra")
_ROW_ID_CHARS = 32
_encode = msgspec.json.Encoder().encode


class Row(NamedTuple):
    """What is written of one event."""

    event_id: str
    tracker: str
    emitted_us: int
    body: str


class StoredRow(NamedTuple):
    """What is read of one event."""

    id: int
    event_id: str
    tracker: str
    emitted_us: int
    attempts: int
    body: str


def encode_row(event: EmittedEvent, tracker: str) -> Row:
    """Return `event` as a row with a new id. Raises Unencodable.

    Where who emitted knows the event's id (`sending_as`), the event keeps that in its body.
    """
    name, known_id = event["name"], event_id()
    if known_id is not None:
        event = {**event, "id": known_id}
    body = dumps(event if type(name) is str else {**event, "name": str(name)})
    return Row(uuid.uuid4().hex, tracker, microseconds(event["timestamp"]), body)


def encode_written_row(given: WrittenEvent | UnwrittenEvent, tracker: str) -> Row:
    """Return as a row what `encode_row` says of the same event. Raises Unencodable."""
    event = given.written()
    members = {
        "id": event.id,
        "name": event.name,
        "timestamp": event.timestamp,
        "data": Raw(event.data),
        "context": Raw(encode_quickly(event.context)),
        "user_id": event.user_id,
        "extra": Raw(b"{%b}" % event.extra[1:]),
    }
    try:
        body = in_ascii(_encode(members).decode())
    except ValueError:  # half a character in its name or id
        with sending_as(event.id):
            return encode_row(event.event(), tracker)
    return Row(_row_id(event.id), tracker, microseconds(event.timestamp), body)


def _row_id(known_id: str) -> str:
    """Return the digits of a UUID that the event has as its id, so that a row can be told by it; else new ones."""
    digits = known_id.replace("-", "")
    return digits if len(digits) == _ROW_ID_CHARS and digits.isascii() else uuid.uuid4().hex


def decode_event(body: str) -> EmittedEvent:
    """Return the event that became `body`: its data and context as JSON has them, its timestamp a datetime.

    Has an `id` where the body knows one. Raises ValueError where it is none.
    """
    event: object = decode_object(Raw(body.encode()))
    if not isinstance(event, dict):
        raise ValueError("no event: it wants an object")  # noqa: TRY004  # as for every other text that is none
    moment = _moment(event.get("timestamp"))
    if moment is None or "name" not in event:
        raise ValueError("no event: it wants a name and a timestamp")
    return {
        "name": event["name"],
        "timestamp": moment,
        "data": event.get("data", {}),
        "context": event.get("context", {}),
        **{name: event[name] for name in _MORE if name in event},
    }


def _moment(text: object) -> datetime | None:
    """Return the time that `encode_row` wrote, of any year; None where it is none."""
    if not isinstance(text, str):
        return None
    found = parse_timestamp(text)
    if found is None:
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def microseconds(moment: datetime) -> int:
    """Return `moment` in microseconds since 1970."""
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def chunks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Yield `rows` in their order, as many at a time as one INSERT may hold."""
    first = 0
    while first < len(rows):
        chars, last = 0, first
        while last < len(rows) and last - first < INSERT_ROWS:
            chars += len(rows[last].body)
            if chars > INSERT_CHARS and last > first:
                break
            last += 1
        yield rows[first:last]
        first = last


def insert_statement(rows: Sequence[Row]) -> tuple[str, list[Any]]:
    """Return the statement that inserts `rows` in their order, and its parameters."""
    return _INSERT + ", ".join(["(%s, %s, %s, %s)"] * len(rows)), [value for row in rows for value in row]


def select_rows(connection: BaseDatabaseWrapper, limit: int) -> list[StoredRow]:
    """Return the rows with the smallest ids among those committed now."""
    with connection.cursor() as cursor:
        cursor.execute(_SELECT, [limit])
        return [StoredRow(*values) for values in cursor.fetchall()]


def delete_rows(connection: BaseDatabaseWrapper, ids: Sequence[int]) -> None:
    """Delete the rows of these ids, one by one by their keys: a range would lock out those who insert.

    MySQL gets a statement for each: for a list it may read a small table whole, and wait for every row that is
    not committed yet.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "mysql":
            cursor.executemany(_DELETE_ONE, [(id_,) for id_ in ids])
        else:
            cursor.execute(_DELETE + _places(ids), list(ids))


def count_attempts(connection: BaseDatabaseWrapper, ids: Sequence[int]) -> None:
    """Count one more attempt for the rows of these ids."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_ATTEMPT + _places(ids), list(ids))


def set_aside(connection: BaseDatabaseWrapper, row: StoredRow, reason: str, now_us: int) -> None:
    """Keep `row` with its reason where no relay looks; the caller deletes it, in the same transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_SET_ASIDE, [*row[1:], reason[:200], now_us])


def take_back(connection: BaseDatabaseWrapper) -> int:
    """Let all rows that were set aside wait again, as new; return how many. The caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_BACK)
        count: int = cursor.rowcount
        cursor.execute(_EMPTY_SET_ASIDE)
    return max(0, count)


def _places(values: Sequence[object]) -> str:
    return f"({', '.join(['%s'] * len(values))})"
