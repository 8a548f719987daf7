"""The server's own table of users: what a source asks, while other processes change it."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.users.clock import Clock
from trackside.testing.directory_contract import HONOR, STAFF, DirectoryContract, find, find_named
from trackside.users.base import Directory, InvalidUserIdError, NotLoadedError, User, UsersUnavailable, Wanted
from trackside.users.file import UserFile
from trackside.users.ids import IdKind
from trackside.users.rows import Row
from trackside.users.table import UserTable

Fill = Callable[..., None]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "users.db"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fill(path: Path) -> Fill:
    """Return a function that imports users, as another process does."""

    def fill(users: Iterable[User], *, replace: bool = False, kind: IdKind | None = None) -> None:
        rows = (Row(line, user.id, user.username) for line, user in enumerate(users, start=2))
        UserFile(path).import_users(rows, replace=replace, kind=kind)

    return fill


class TestContract(DirectoryContract):
    """It is a directory like the others."""

    @pytest.fixture(autouse=True)
    def _place(self, path: Path, fill: Fill) -> None:
        self.path, self.fill = path, fill

    def make_directory(self, users: Sequence[User]) -> Directory:
        """Return the directory under test."""
        self.fill(users)
        return UserTable(self.path)


@pytest.mark.parametrize("user_id", [10, 10.7, " 10 ", "1_0", "10"])
def test_ids_that_mean_the_same(path: Path, fill: Fill, user_id: object) -> None:
    """Whole numbers as Django's integer keys take them: one look-up is enough for all spellings."""
    fill([HONOR])
    table = UserTable(path)
    assert find(table, user_id) == HONOR
    assert [table.user(each) for each in (10, 10.2, "1_0")] == [HONOR] * 3


@pytest.mark.parametrize(
    "user_id", ["10.0", "foobar", "9" * 5_000, float("inf"), float("nan"), None, [10], {}]
)
def test_ids_that_are_none(path: Path, fill: Fill, user_id: object) -> None:
    """It may take a look-up to know of which kind ids are."""
    fill([HONOR])
    with pytest.raises(InvalidUserIdError):
        find(UserTable(path), user_id)


@pytest.mark.parametrize("user_id", [2**70, -(2**70), 2**63, -1, 0, str(2**70)])
def test_ids_of_nobody(path: Path, fill: Fill, user_id: object) -> None:
    """A number that no user has, or could have, is nobody's."""
    fill([HONOR])
    table = UserTable(path)
    assert find(table, user_id) is None
    find(table, 10)
    assert find(table, user_id) is None


def test_ids_that_are_text(path: Path, fill: Fill) -> None:
    """The first import decides; a number then is its digits, and no spelling is another's."""
    fill([User("a-1", "anna"), User("10", "ten")])
    table = UserTable(path)
    assert [find(table, each) for each in ("a-1", "10", 10)] == [
        User("a-1", "anna"),
        *[User("10", "ten")] * 2,
    ]
    assert [find(table, each) for each in (" 10 ", "A-1", "\ud800")] == [None] * 3
    assert find_named(table, "anna") == User("a-1", "anna")
    with pytest.raises(InvalidUserIdError):
        find(table, 10.7)


def test_no_file_is_an_empty_table(path: Path, clock: Clock) -> None:
    """Nobody is found, no file is made, and a first import is noticed."""
    table = UserTable(path, clock=clock)
    assert find(table, 10) is None
    assert find_named(table, "honor") is None
    assert not path.exists()


def test_a_file_of_another_program(path: Path) -> None:
    """It is not read, and left as it is."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE users (id, username)")
    connection.close()
    with pytest.raises(UsersUnavailable, match="another program"):
        find(UserTable(path), 10)


@pytest.mark.parametrize("damage", ["garbage", "folder", "half"])
def test_a_file_that_cannot_be_read(path: Path, fill: Fill, damage: str) -> None:
    """Whoever asks comes back later; once it is repaired, answers are there again."""
    fill([HONOR])
    good = path.read_bytes()
    if damage == "folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes(b"\1" * 5_000 if damage == "garbage" else good[:3_000])
    table = UserTable(path)
    for _ in range(2):
        with pytest.raises(UsersUnavailable, match=str(path)):
            find(table, 10)
    if damage == "folder":
        path.rmdir()
    path.write_bytes(good)
    assert find(table, 10) == HONOR


def test_an_import_is_noticed(path: Path, fill: Fill, clock: Clock) -> None:
    """Within a second everybody is looked up anew: those that changed, and those that were nobody."""
    fill([HONOR])
    table = UserTable(path, clock=clock)
    assert [find(table, each) for each in (10, 11)] == [HONOR, None]
    fill([User(10, "renamed"), STAFF])
    assert table.user(10) == HONOR
    clock.advance(1)
    with pytest.raises(NotLoadedError):
        table.user(10)
    assert [find(table, each) for each in (10, 11)] == [User(10, "renamed"), STAFF]
    UserFile(path).remove([10])
    clock.advance(1)
    assert find(table, 10) is None


def test_imports_one_after_the_other(path: Path, fill: Fill, clock: Clock) -> None:
    """However quickly they follow each other, none is missed."""
    table = UserTable(path, clock=clock)
    for number in range(20):
        fill([User(10, f"name-{number}")])
        clock.advance(1)
        assert find(table, 10) == User(10, f"name-{number}")


def test_an_import_while_others_read(path: Path, fill: Fill, clock: Clock) -> None:
    """Then all of it is in the write-ahead log, and the file itself is not written."""
    fill([HONOR])
    table = UserTable(path, clock=clock)
    assert find(table, 10) == HONOR
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM users").fetchall()
        fill([User(10, "renamed")])
        clock.advance(1)
        assert find(table, 10) == User(10, "renamed")


def test_another_process_imports(path: Path, fill: Fill, clock: Clock) -> None:
    """A real one."""
    fill([HONOR])
    table = UserTable(path, clock=clock)
    assert find(table, 10) == HONOR
    program = (
        "import sys, pathlib\n"
        "from trackside.users.file import UserFile\n"
        "from trackside.users.rows import Row\n"
        "UserFile(pathlib.Path(sys.argv[1])).import_users([Row(2, 10, 'renamed')])\n"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True, timeout=60)
    clock.advance(1)
    assert find(table, 10) == User(10, "renamed")


def test_another_kind_of_ids(path: Path, fill: Fill, clock: Clock) -> None:
    """A table that is replaced by one with other ids is read as that."""
    fill([HONOR])
    table = UserTable(path, clock=clock)
    assert find(table, "10") == HONOR
    fill([User("ten", "honor")], replace=True)
    clock.advance(1)
    assert [find(table, each) for each in ("ten", "10")] == [User("ten", "honor"), None]


def test_a_load_across_an_import(
    path: Path, fill: Fill, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read before is not remembered as what was read after."""
    fill([HONOR])
    table = UserTable(path, clock=clock)
    look_up = UserFile.look_up

    def slowly(self: UserFile, wanted: Iterable[Wanted]) -> object:
        found = look_up(self, list(wanted))
        fill([User("ten", "renamed")], replace=True)
        clock.advance(1)
        with pytest.raises(NotLoadedError):
            table.user("ten")
        return found

    monkeypatch.setattr(UserFile, "look_up", slowly)
    table.load([Wanted("id", 10)])
    monkeypatch.undo()
    assert [find(table, each) for each in (10, "ten")] == [None, User("ten", "renamed")]


def test_reading_does_not_wait_for_an_import(path: Path, fill: Fill) -> None:
    """An import of a million takes seconds; until it is done the table is what it was."""
    fill([HONOR])
    table = UserTable(path)
    entered, leave = threading.Event(), threading.Event()

    def rows() -> Iterable[Row]:
        yield Row(2, 10, "renamed")
        entered.set()
        leave.wait(10)

    importing = threading.Thread(target=UserFile(path).import_users, args=(rows(),))
    importing.start()
    try:
        assert entered.wait(10)
        assert find(table, 10) == HONOR
    finally:
        leave.set()
        importing.join()


def test_no_query_for_a_user_who_is_known(path: Path, fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor another look at the file within a second."""
    fill([HONOR])
    table = UserTable(path, clock=Clock())
    find(table, 10)
    monkeypatch.setattr(sqlite3, "connect", None)
    monkeypatch.setattr(UserFile, "stamp", None)
    assert [table.user(10) for _ in range(100)] == [HONOR] * 100


def test_two_accounts_of_one_name(path: Path, fill: Fill) -> None:
    """One that ended and was not taken out of the table: the newer account has the name."""
    fill([User(30, "honor"), User(7, "honor")])
    assert find_named(UserTable(path), "honor") == User(30, "honor")
