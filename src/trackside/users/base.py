"""What is asked of whoever knows the users."""

from collections.abc import Collection
from typing import Literal, Protocol

from msgspec import Struct

from trackside.errors import TracksideError


class User(Struct, frozen=True, gc=False):
    """An account of the platform."""

    id: int | str
    """Its primary key."""
    username: str


class Wanted(Struct, frozen=True, gc=False):
    """A user somebody asks for."""

    by: Literal["id", "username"]
    value: int | str


class NotLoadedError(Exception):
    """The directory has to look the user up first: `load` it, then ask again."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__(f"the user with {wanted.by} {wanted.value!r} is not loaded")
        self.wanted = wanted


class InvalidUserIdError(ValueError):
    """What was given as an id cannot be one, whoever the users are."""


class UsersUnavailable(TracksideError):  # noqa: N818  # said of the users' database, as LogBusy of the log
    """The users' database cannot be asked now; try again later."""


class Directory(Protocol):
    """Knows the users. `user` and `named` answer from memory and never wait; `load` may wait for a database."""

    def user(self, user_id: object) -> User | None:
        """Return the user with this id, or None where there is none.

        `user_id` is any value of a client's JSON. Raises InvalidUserIdError where it cannot be an id, and
        NotLoadedError where the database has to be asked first.
        """
        ...

    def named(self, username: str) -> User | None:
        """Return the user of this name, or None where there is none. Raises NotLoadedError."""
        ...

    def load(self, wanted: Collection[Wanted]) -> None:
        """Look users up, so that `user` and `named` can tell. Thread-safe. Raises UsersUnavailable."""
        ...
