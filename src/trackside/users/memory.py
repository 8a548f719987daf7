"""What a directory remembers of its database: for a while, and only so much."""

import os
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from msgspec import Struct

from trackside.users.base import NotLoadedError, User, Wanted
from trackside.users.ids import HIGHEST, LOWEST

MOST = 100_000
"""Users remembered; so many take some 40 MB."""
FRESH_S = 300.0
ABSENT_S = 30.0
"""How long nobody is remembered: shorter, so that a new account is soon found."""

_memories: "weakref.WeakSet[Memory]" = weakref.WeakSet()


class _Entry(Struct, frozen=True, gc=False):
    user: User
    until: float


class Loading:
    """A look into the database that is under way: what is forgotten meanwhile it does not bring back."""

    def __init__(self, began_at: float) -> None:
        self.began_at = began_at
        self.forgotten: set[Wanted] = set()
        self.is_outdated = False
        """Whether everything was forgotten."""


class Memory:
    """Users by id and by name, and who is none. Thread-safe; an answer takes no lock.

    Holds at most `most` users, and as many that are none; the oldest make room. Keys are ids as the database
    has them: whole numbers or text, never both. A number not within `numbers` is nobody's.
    """

    def __init__(
        self,
        *,
        most: int = MOST,
        fresh_s: float = FRESH_S,
        absent_s: float = ABSENT_S,
        numbers: tuple[int, int] = (LOWEST, HIGHEST),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._fresh_s = fresh_s
        self._absent_s = absent_s
        self._lowest, self._highest = numbers
        self._clock = clock
        # Ordered, since a plain dict scans all it has lost at its front to find its oldest key.
        self._users: OrderedDict[int | str, _Entry] = OrderedDict()
        self._names: dict[str, _Entry] = {}
        """Each is also one of `_users`."""
        self._absent: OrderedDict[Wanted, float] = OrderedDict()
        self.begin_anew()
        _memories.add(self)

    def user(self, key: int | str, now: float) -> User | None:
        """Return the user with this id, or None where there is none. Raises NotLoadedError.

        `now` is the time by `clock`.
        """
        entry = self._users.get(key)
        if entry is not None and entry.until > now:
            return entry.user
        if isinstance(key, int) and not self.may_have(key):
            return None  # not remembered: each may be of 14,000 bits
        self._check_absence(Wanted("id", key), now)
        return None

    def named(self, username: str, now: float) -> User | None:
        """Return the user of exactly this name, or None where there is none. Raises NotLoadedError."""
        entry = self._names.get(username)
        if entry is not None and entry.until > now:
            return entry.user
        self._check_absence(Wanted("username", username), now)
        return None

    def may_have(self, number: int) -> bool:
        """Return whether a user may have this id."""
        return self._lowest <= number <= self._highest

    def _check_absence(self, wanted: Wanted, now: float) -> None:
        if self._absent.get(wanted, now) <= now:
            raise NotLoadedError(wanted)

    @contextmanager
    def loading(self) -> Iterator[Loading]:
        """Give what `remember` takes; the database is to be asked within."""
        loading = Loading(self._clock())
        with self._lock:
            self._loadings.append(loading)
        try:
            yield loading
        finally:
            with self._lock:
                if loading in self._loadings:  # not in a child that was forked meanwhile
                    self._loadings.remove(loading)

    def remember(
        self, loading: Loading, users: Collection[User], wanted: Collection[Wanted], *, briefly: bool = False
    ) -> None:
        """Keep the users that were found, and of those `wanted` the others as none.

        `briefly` keeps also users only as long as those that are none.
        """
        found = {Wanted("id", user.id) for user in users} | {
            Wanted("username", user.username) for user in users
        }
        absent_until = loading.began_at + self._absent_s
        until = absent_until if briefly else loading.began_at + self._fresh_s
        with self._lock:
            if loading.is_outdated:
                return
            for user in users:
                if loading.forgotten.isdisjoint((Wanted("id", user.id), Wanted("username", user.username))):
                    self._keep(_Entry(user, until))
            for each in wanted:
                if each not in found and each not in loading.forgotten:
                    self._drop(each)
                    self._absent[each] = absent_until
            while len(self._absent) > self._most:
                self._absent.popitem(last=False)

    def forget(self, key: int | str) -> None:
        """Know nothing of the user with this id any more, nor of its name."""
        self._forget(Wanted("id", key))

    def forget_name(self, username: str) -> None:
        """Know nothing of the user of this name any more."""
        self._forget(Wanted("username", username))

    def clear(self) -> None:
        """Know nobody."""
        with self._lock:
            self._users.clear()
            self._names.clear()
            self._absent.clear()
            for loading in self._loadings:
                loading.is_outdated = True

    def begin_anew(self) -> None:
        """Know nobody, and wait for no thread of a parent process."""
        self._lock = threading.Lock()
        self._loadings: list[Loading] = []
        self.clear()

    def _forget(self, wanted: Wanted) -> None:
        with self._lock:
            self._drop(wanted)
            for loading in self._loadings:
                loading.forgotten.add(wanted)

    def _keep(self, entry: _Entry) -> None:
        user = entry.user
        self._drop(Wanted("id", user.id))
        self._absent.pop(Wanted("username", user.username), None)
        self._users[user.id] = self._names[user.username] = entry
        while len(self._users) > self._most:
            self._drop(Wanted("id", next(iter(self._users))))

    def _drop(self, wanted: Wanted) -> None:
        self._absent.pop(wanted, None)
        if wanted.by == "id":
            entry = self._users.pop(wanted.value, None)
        else:
            entry = self._names.get(str(wanted.value))
            if entry is not None:
                self._users.pop(entry.user.id, None)
        if entry is not None and self._names.get(entry.user.username) is entry:
            del self._names[entry.user.username]


def _after_fork_in_child() -> None:
    for memory in list(_memories):
        memory.begin_anew()


os.register_at_fork(after_in_child=_after_fork_in_child)
