"""The file of users: what an import puts in, all of it or nothing."""

import stat
import tracemalloc
from collections.abc import Iterable
from pathlib import Path

import pytest

from trackside.errors import StorageError
from trackside.users.base import InvalidUserIdError, User, Wanted
from trackside.users.file import Imported, UserFile
from trackside.users.ids import IdKind
from trackside.users.rows import BadRow, ImportRefusedError, Row

HONOR, STAFF = Row(2, 7, "honor"), Row(3, 8, "staff")


@pytest.fixture
def file(tmp_path: Path) -> UserFile:
    return UserFile(tmp_path / "users.db")


def everybody(file: UserFile) -> list[User]:
    return file.users(after=None, limit=1_000)


def test_a_first_import_makes_the_file(file: UserFile) -> None:
    """For its owner alone, and there is nothing to see before."""
    assert (everybody(file), file.count(), file.remove([7]), file.stamp()) == ([], 0, 0, (0, 0))
    assert not file.path.exists()
    assert file.import_users([HONOR, STAFF]) == Imported(added=2, changed=0, bad=0, users=2)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert everybody(file) == [User(7, "honor"), User(8, "staff")]


def test_an_import_again(file: UserFile) -> None:
    """Who is there keeps its row; names that are others now are counted, and the last one said is it."""
    file.import_users([HONOR, STAFF])
    again = file.import_users([HONOR, Row(3, "8", "boss"), Row(4, 9, "a"), Row(5, 9, "new")])
    assert again == Imported(added=1, changed=2, bad=0, users=3)
    assert everybody(file) == [User(7, "honor"), User(8, "boss"), User(9, "new")]
    assert file.import_users(iter([HONOR])) == Imported(added=0, changed=0, bad=0, users=3)


def test_two_users_swap_their_names(file: UserFile) -> None:
    """In one import, and each has the other's."""
    file.import_users([HONOR, STAFF])
    file.import_users([Row(2, 7, "staff"), Row(3, 8, "honor")])
    assert everybody(file) == [User(7, "staff"), User(8, "honor")]


def test_replacing(file: UserFile) -> None:
    """Who is not in the rows is out; ids may be of another kind then, and only then."""
    file.import_users([HONOR, STAFF])
    assert file.import_users([STAFF], replace=True) == Imported(added=1, changed=0, bad=0, users=1)
    assert everybody(file) == [User(8, "staff")]
    with pytest.raises(ImportRefusedError, match="ids in the table are of kind integer"):
        file.import_users([Row(2, "a", "anna")], kind="text")
    file.import_users([Row(2, "a", "anna")], replace=True)
    assert everybody(file) == [User("a", "anna")]


def test_replacing_by_nobody(file: UserFile) -> None:
    """Whatever failed to write the list of users must not lead to an empty table."""
    file.import_users([HONOR])
    with pytest.raises(ImportRefusedError, match="no user to replace the table with"):
        file.import_users([], replace=True)
    assert everybody(file) == [User(7, "honor")]


BAD_IDS: tuple[object, ...] = ("", "x", "7.0", None, [], 2**63, -(2**70), "9" * 5_000)
BAD_NAMES: tuple[object, ...] = ("", "x" * 256, None, 5, "a\0b", "\ud800")


@pytest.mark.parametrize(
    "row",
    [
        BadRow(3, "no user at all"),
        *(Row(3, each, "x") for each in BAD_IDS),
        *(Row(3, 9, each) for each in BAD_NAMES),
    ],
    ids=lambda row: str(row)[:50],
)
def test_a_bad_row(file: UserFile, row: Row | BadRow) -> None:
    """It is named by its line, and nothing is imported; or it is left out and counted."""
    file.import_users([HONOR])
    rows: Iterable[Row | BadRow] = [Row(2, 10, "before"), row, Row(4, 11, "after")]
    with pytest.raises(ImportRefusedError, match=r"^line 3: .*; nothing was imported$"):
        file.import_users(rows)
    assert everybody(file) == [User(7, "honor")]
    told: list[BadRow] = []
    assert file.import_users(rows, on_bad=told.append) == Imported(added=2, changed=0, bad=1, users=3)
    assert [each.line for each in told] == [3]


@pytest.mark.parametrize(
    ("first", "kind", "expected"),
    [
        (7, None, 7),
        ("7", None, 7),
        ("a", None, "a"),
        ("7", "text", "7"),
        (7, "text", "7"),
        ("4f3c-aa", None, "4f3c-aa"),
    ],
)
def test_the_kind_of_ids(file: UserFile, first: object, kind: IdKind | None, expected: int | str) -> None:
    """It is what was said, or else what the first row looks like; later imports go by the table."""
    file.import_users([Row(2, first, "x")], kind=kind)
    assert everybody(file) == [User(expected, "x")]
    file.import_users([Row(2, 8, "y")])
    assert {each.id for each in everybody(file)} == {expected, type(expected)(8)}


def test_the_first_row_is_bad(file: UserFile) -> None:
    """It does not decide of which kind ids are."""
    file.import_users([Row(2, "a", ""), HONOR], on_bad=lambda bad: None)
    assert everybody(file) == [User(7, "honor")]


def test_looking_up(file: UserFile) -> None:
    """More than fit into one question, by both."""
    file.import_users(Row(each, each, f"user-{each}") for each in range(1, 2_001))
    wanted = [Wanted("id", each) for each in range(1_001, 3_000)]
    found = file.look_up([*wanted, Wanted("username", "user-7"), Wanted("id", "foobar"), Wanted("id", 2**70)])
    assert sorted(each.id for each in found.users) == [7, *range(1_001, 2_001)]
    assert found.ids == "integer"
    assert Wanted("id", "foobar") not in found.asked


def test_pages_and_globs(file: UserFile) -> None:
    """In order of id."""
    file.import_users([Row(2, 30, "anna"), Row(3, 7, "Bert"), Row(4, 8, "andi")])
    assert [each.id for each in file.users(after=7, limit=1)] == [8]
    assert [each.id for each in file.users(after=None, limit=9, name="an*")] == [8, 30]
    assert (file.count("an*"), file.count("*ert")) == (2, 1)


def test_removing(file: UserFile) -> None:
    """Those that are there are counted; what is no id is told, and nobody is removed."""
    file.import_users([HONOR, STAFF])
    with pytest.raises(InvalidUserIdError):
        file.remove(["7", "x"])
    assert file.remove(["7", 7, 99, 2**70]) == 1
    assert everybody(file) == [User(8, "staff")]


def test_a_file_that_is_not_ours(file: UserFile) -> None:
    """It is not touched."""
    file.path.write_bytes(b"something else" * 1_000)
    with pytest.raises(StorageError, match="not a SQLite database"):
        file.import_users([HONOR])
    assert file.path.read_bytes() == b"something else" * 1_000


def test_rows_are_not_kept_in_memory(file: UserFile) -> None:
    """Of many rows only a few are held at a time."""
    tracemalloc.start()
    try:
        file.import_users(Row(each, each, f"user-{each:0200}") for each in range(20_000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000
    assert file.count() == 20_000
