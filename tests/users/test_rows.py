"""Lists of users, read as other programs write them."""

import csv
import io
import json
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trackside.users.rows import Format, ImportRefusedError, Row, read_rows

NAMES = st.text(st.characters(codec="utf-8"), min_size=1)
USERS = st.lists(st.tuples(st.integers(), NAMES), max_size=5)
JUNK = "id,username\n" + '{}[]:"\\\t\x00\ud800\ufeff\x85\u2028x7'


def read(text: str, form: Format | None = None) -> list[tuple[object, object]]:
    found = list(read_rows(io.StringIO(text, newline=""), form))
    assert all(isinstance(row, Row) for row in found), found
    return [(row.id, row.username) for row in found if isinstance(row, Row)]


def as_text(users: list[tuple[int, str]]) -> list[tuple[str, str]]:
    return [(str(number), name) for number, name in users]


@given(USERS, st.booleans())
@example([(1, 'a "b", c\r\nd')], True)
def test_csv(users: list[tuple[int, str]], told: bool) -> None:
    """What Python's writer writes, quotes and line ends in names included."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([("username", "x", "id"), *((name, "", number) for number, name in users)])
    assert read(out.getvalue(), "csv" if told else None) == as_text(users)


@given(USERS, st.booleans())
@example([(1, "a\tb\\n\nc\0")], False)
def test_tab_separated(users: list[tuple[int, str]], told: bool) -> None:
    """What mysql --batch and PostgreSQL's COPY write, escapes included."""

    def escaped(name: str) -> str:
        for plain, mark in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), ("\0", "\\0")):
            name = name.replace(plain, mark)
        return name

    text = "id\tusername\n" + "".join(f"{number}\t{escaped(name)}\n" for number, name in users)
    assert read(text, "tsv" if told else None) == as_text(users)


@given(USERS, st.booleans(), st.booleans())
def test_json_lines(users: list[tuple[int, str]], ascii_only: bool, told: bool) -> None:
    """Whatever else the objects hold; numbers stay numbers."""
    users = [user for user in users if abs(user[0]) < 2**63]  # no other number is an id
    lines = [
        json.dumps({"username": name, "more": [{}], "id": number}, ensure_ascii=ascii_only)
        for number, name in users
    ]
    assert read("\n".join([*lines, ""]) or "\n", None if users and not told else "jsonl") == users


@given(st.text(st.sampled_from(JUNK)), st.sampled_from([None, "csv", "tsv", "jsonl"]))
@example("\ud800", "jsonl")
@example('{"id": 1, "username": "\ud800"}', None)
@example('{"id": 1, "username": "\udcff"}', None)
def test_junk(text: str, form: Format | None) -> None:
    """Whatever is read, every line is a user, is told as bad, or is empty; only a wrong head ends it."""
    try:
        found = list(read_rows(io.StringIO(text, newline=""), form))
    except ImportRefusedError:
        return
    assert all(each.line >= 1 for each in found)
    assert len(found) <= text.count("\n") + text.count("\r") + 1


def test_lines_are_read_as_they_are_asked_for() -> None:
    """A list may be longer than the memory."""
    given_out = 0

    def lines() -> Iterator[str]:
        nonlocal given_out
        yield "id,username\n"
        for given_out in range(1, 1_000_000):
            yield f"{given_out},x\n"

    rows = read_rows(lines())
    next(rows)
    assert given_out < 10


@pytest.mark.parametrize("head", ["ID,UserName", " id , username ", "email,id,username,x", "username\tid"])
def test_heads(head: str) -> None:
    """Order, case, blanks and other columns do not matter."""
    assert list(read_rows([head + "\n"])) == []


def test_nothing_at_all() -> None:
    """A program that failed writes that."""
    with pytest.raises(ImportRefusedError, match="the list is empty"):
        list(read_rows([]))


@pytest.mark.parametrize("head", ["", "id", "7,honor", "user_id,username", '"id,username', "id;username"])
def test_wrong_heads(head: str) -> None:
    """Without both columns nothing can be told."""
    with pytest.raises(ImportRefusedError, match="columns id and username"):
        list(read_rows([head + "\n", "7,honor\n"]))
