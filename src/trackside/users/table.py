"""`users = "table"`: the server's own table of accounts, filled by `trackside users import`."""

import time
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

from msgspec import Struct

from trackside.users import ids
from trackside.users.base import NotLoadedError, User, Wanted
from trackside.users.file import LONGEST_NAME, UserFile
from trackside.users.ids import KEYS
from trackside.users.memory import ABSENT_S, FRESH_S, MOST, Memory

LOOK_EVERY_S = 1.0
"""How soon a change of the table is noticed."""


def _undecided(user_id: object) -> int | str:
    """Raise NotLoadedError, or InvalidUserIdError for what is no id in any table."""
    raise NotLoadedError(
        Wanted("id", user_id if isinstance(user_id, str) else ids.text(ids.whole_number(user_id)))
    )


class _Known(Struct, gc=False):
    """What is known of one state of the table; a change begins a new one."""

    memory: Memory
    key: Callable[[object], int | str] = _undecided
    """Turns a value into an id, once it is known of which kind they are."""


class UserTable:
    """Knows the users of a file `users.db`, which other processes may change at any time.

    Ids are whole numbers, taken as Django's integer keys take them, or text; the first import decides.
    """

    def __init__(
        self,
        path: Path,
        *,
        most: int = MOST,
        fresh_s: float = FRESH_S,
        absent_s: float = ABSENT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = UserFile(path)
        self._make_memory = partial(Memory, most=most, fresh_s=fresh_s, absent_s=absent_s, clock=clock)
        self._clock = clock
        self._known = _Known(self._make_memory())
        self._stamp = self._file.stamp()
        self._look_at = clock() + LOOK_EVERY_S

    def user(self, user_id: object) -> User | None:
        """Return the user with this id. Raises InvalidUserIdError and NotLoadedError."""
        now = self._clock()
        if now >= self._look_at:
            self._look(now)
        known = self._known
        return known.memory.user(known.key(user_id), now)

    def named(self, username: str) -> User | None:
        """Return the user of exactly this name. Raises NotLoadedError."""
        now = self._clock()
        if now >= self._look_at:
            self._look(now)
        return None if len(username) > LONGEST_NAME else self._known.memory.named(username, now)

    def load(self, wanted: Collection[Wanted]) -> None:
        """Look users up, with one question for a few hundred of them. Raises UsersUnavailable."""
        known = self._known  # where the table changes meanwhile, what is found is remembered by nobody
        with known.memory.loading() as loading:
            found = self._file.look_up(wanted)
            known.memory.remember(loading, found.users, found.asked)
            known.key = KEYS[found.ids]

    def _look(self, now: float) -> None:
        """Forget everybody where the table has changed. Costs a look at the file's times, and no query."""
        self._look_at = now + LOOK_EVERY_S
        stamp = self._file.stamp()
        if stamp != self._stamp:
            self._stamp = stamp
            self._known = _Known(self._make_memory())
