"""Lists of users as other programs write them: CSV, tab-separated text, JSON Lines."""

import csv
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from trackside.errors import TracksideError

Format = Literal["csv", "tsv", "jsonl"]

_COLUMNS = ("id", "username")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"t": "\t", "n": "\n", "r": "\r", "0": "\0"}


class Row(Struct, frozen=True, gc=False):
    """A user as somebody wrote it down."""

    line: int
    """Where it stands; counts from 1."""
    id: object
    username: object


class BadRow(Struct, frozen=True, gc=False):
    """What stands where a user should be, and is none."""

    line: int
    reason: str


class ImportRefusedError(TracksideError):
    """Nothing was imported: the message says what to correct before it is tried again."""


class _User(Struct, frozen=True, gc=False):
    id: int | str
    username: str


def read_rows(lines: Iterable[str], form: Format | None = None) -> Iterator[Row | BadRow]:
    """Return the users of a list, one for each line, read as they are asked for; empty lines are passed over.

    Without `form` the first line tells it. Columns and members other than `id` and `username` are passed over.
    Raises ImportRefusedError where the first line does not name these two.
    """
    rest = iter(lines)
    first = next(rest, "").removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    if not first:
        raise ImportRefusedError("the list is empty: whatever writes it may have failed")
    every = itertools.chain([first], rest)
    match form or _form_of(first):
        case "jsonl":
            yield from _json_lines(every)
        case "tsv":
            # What mysql prints, and COPY of PostgreSQL: no quotes; a backslash before what would be taken amiss.
            yield from _table((number, _fields(line)) for number, line in enumerate(every, start=1))
        case "csv":
            yield from _table(_records(every))


def _form_of(first: str) -> Format:
    if first.lstrip().startswith("{"):
        return "jsonl"
    return "tsv" if "\t" in first else "csv"


def _json_lines(lines: Iterable[str]) -> Iterator[Row | BadRow]:
    decoder = msgspec.json.Decoder(_User)
    for number, line in enumerate(lines, start=1):
        if line.isspace() or not line:
            continue
        try:
            user = decoder.decode(line.encode("utf-8", "surrogateescape"))
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            yield BadRow(number, f"want an object with id and username: {error}")
        else:
            yield Row(number, user.id, user.username)


def _table(records: Iterator[tuple[int, Sequence[str] | str]]) -> Iterator[Row | BadRow]:
    """Yield the rows below a head that names the columns; text in place of a record says what is wrong with it."""
    _, head = next(records, (0, ()))
    names = [] if isinstance(head, str) else [name.strip().lower() for name in head]
    if not set(_COLUMNS) <= set(names):
        raise ImportRefusedError(
            "the first line does not name the columns id and username; give the list a head that does"
        )
    id_at, name_at = map(names.index, _COLUMNS)
    for number, record in records:
        if isinstance(record, str):
            yield BadRow(number, record)
        elif len(record) > max(id_at, name_at):
            yield Row(number, record[id_at], record[name_at])
        elif record:
            yield BadRow(number, f"want {len(names)} columns, there are {len(record)}")


def _fields(line: str) -> Sequence[str]:
    line = line.rstrip("\r\n")
    if "\\" not in line:
        return line.split("\t") if line else ()
    return [_ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), field) for field in line.split("\t")]


def _records(lines: Iterable[str]) -> Iterator[tuple[int, Sequence[str] | str]]:
    reader = csv.reader(lines, strict=True)
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.line_num, f"not CSV: {error}"
        else:
            yield reader.line_num, record
