"""The tests every directory of users passes.

A new one subclasses `DirectoryContract` and says how to make one that knows some users:

    class TestMine(DirectoryContract):
        def make_directory(self, users): return Mine(…)
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest

from trackside.users.base import Directory, InvalidUserIdError, NotLoadedError, User, Wanted

HONOR, STAFF = User(10, "honor"), User(11, "Staff Member ü")
NO_IDS: tuple[object, ...] = (None, [], [10], {}, {"id": 10})
"""Values of JSON that are an id nowhere."""
ODD_IDS: tuple[object, ...] = (
    *(0, -1, 2**31, 2**63, 2**70, -(2**70), 10**4_000, 1.5, 1e308, float("inf"), float("nan"), True, False),
    *("", " ", "10", " 10 ", "1_0", "10.0", "foobar", "9" * 4_000, "9" * 5_000, "\0", "1\0", "\ud800"),
    *("ü" * 255, "x" * 256, "x" * 100_000, "'; DROP TABLE users; --", "𝄞", "10\n", "٣"),
)
"""Values of JSON that may be an id somewhere."""


def ask(directory: Directory, question: Callable[[], User | None]) -> User | None:
    """Return the answer, looked up where that is needed, as the server does."""
    for _ in range(3):
        try:
            return question()
        except NotLoadedError as needed:
            directory.load({needed.wanted})
    raise AssertionError("the directory asks for users that were loaded")


def find(directory: Directory, user_id: object) -> User | None:
    """Return the user with this id, looked up where that is needed. Raises InvalidUserIdError."""
    return ask(directory, lambda: directory.user(user_id))


def find_named(directory: Directory, username: str) -> User | None:
    """Return the user of this name, looked up where that is needed."""
    return ask(directory, lambda: directory.named(username))


class DirectoryContract(ABC):
    """What the sources and the server rely on."""

    believes_everybody = False
    """True where every id is somebody's, and names are not known."""

    @abstractmethod
    def make_directory(self, users: Sequence[User]) -> Directory:
        """Return a directory that knows exactly these users, their ids whole numbers; nothing is loaded."""

    def test_a_user_is_found(self) -> None:
        """By the id; where names are known also with the name, and by it."""
        directory = self.make_directory([HONOR, STAFF])
        found = [find(directory, user.id) for user in (HONOR, STAFF)]
        if self.believes_everybody:
            assert found == [User(10, ""), User(11, "")]
            return
        assert found == [HONOR, STAFF]
        assert [find_named(directory, user.username) for user in (STAFF, HONOR)] == [STAFF, HONOR]

    def test_what_is_loaded_is_answered_from_memory(self) -> None:
        """After one load everybody who was wanted is known, and so is who does not exist."""
        directory = self.make_directory([HONOR, STAFF])
        names = ("honor", "nobody")
        directory.load(
            [*(Wanted("id", each) for each in (10, 11, 12)), *(Wanted("username", each) for each in names)]
        )
        by_id = [directory.user(each) for each in (10, 11, 12)]
        by_name = [directory.named(each) for each in names]
        if not self.believes_everybody:
            assert by_id == [HONOR, STAFF, None]
            assert by_name == [HONOR, None]

    def test_a_name_is_compared_exactly(self) -> None:
        """Whatever the database thinks of case, accents and blanks: the same answer from each."""
        directory = self.make_directory([HONOR, STAFF])
        for name in ("HONOR", "honor ", " honor", "hönor", "", "\0", "\ud800", "𝄞", "x" * 100_000, "honor\0"):
            assert find_named(directory, name) is None

    @pytest.mark.parametrize("user_id", NO_IDS)
    def test_what_is_no_id_is_told_at_once(self, user_id: object) -> None:
        """No look-up is asked for."""
        with pytest.raises(InvalidUserIdError):
            self.make_directory([HONOR]).user(user_id)

    @pytest.mark.parametrize("user_id", ODD_IDS, ids=lambda each: repr(each)[:20])
    def test_no_id_breaks_anything(self, user_id: object) -> None:
        """It is somebody's, nobody's or none; and whoever is looked up with it is found all the same."""
        directory = self.make_directory([HONOR])
        wanted = {Wanted("id", 10)}
        try:
            directory.user(user_id)
        except NotLoadedError as needed:
            wanted.add(needed.wanted)
        except InvalidUserIdError:
            return
        directory.load(wanted)
        with suppress(InvalidUserIdError):  # which may depend on what was loaded
            directory.user(user_id)
        found = directory.user(10)
        assert found is not None
        assert found.id == 10

    def test_anything_can_be_wanted(self) -> None:
        """A load takes what is no id with what is one, and in any number."""
        directory = self.make_directory([HONOR])
        odd = {Wanted("id", each) for each in ODD_IDS if isinstance(each, int | str)}
        names = {Wanted("username", each) for each in ODD_IDS if isinstance(each, str)}
        directory.load(odd | names | {Wanted("id", each) for each in range(2_500)})
        directory.load([])
        found = directory.user(10)
        assert found is not None
        assert found.id == 10

    def test_threads(self) -> None:
        """Several may load and ask at the same time."""
        directory = self.make_directory([User(each, f"user-{each}") for each in range(1, 9)])
        found: list[int | str | None] = []

        def look() -> None:
            for each in range(1, 9):
                user = find(directory, each)
                found.append(None if user is None else user.id)

        threads = [threading.Thread(target=look) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found, key=str) == sorted([*range(1, 9)] * 4)
