"""Which inboxes want an event of a name: thousands of globs, asked once a name."""

from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar

from trackside.event import NameFilter

KNOWN_NAMES = 10_000
"""Names come from outside: what is remembered must not grow with them."""
_WILD = frozenset("*?")


class Wanting(Protocol):
    """Somebody who wants the events whose name matches one of its globs."""

    @property
    def globs(self) -> Iterable[str]:
        """The globs."""
        ...


T = TypeVar("T", bound=Wanting)


class Routes(NameFilter, Generic[T]):
    """A filter for all the names that somebody wants, which knows who. It never changes.

    Those with the same globs are asked once; a glob without `*` and `?` is looked up.
    """

    __slots__ = ("_everybody", "_plain", "_routes", "_wild")

    def __init__(self, wanting: Iterable[T]) -> None:
        self.globs = ()
        self._routes: dict[str, tuple[T, ...]] = {}
        self._plain: dict[str, list[T]] = {}
        everybody: list[T] = []
        wild: dict[frozenset[str], list[T]] = {}
        for each in wanting:
            globs = frozenset(each.globs)
            if "*" in globs:
                everybody.append(each)
                continue
            for name in (glob for glob in globs if not _WILD & set(glob)):
                self._plain.setdefault(name, []).append(each)
            if patterns := frozenset(glob for glob in globs if _WILD & set(glob)):
                wild.setdefault(patterns, []).append(each)
        self._everybody = tuple(everybody)
        self._wild = [(NameFilter(globs), members) for globs, members in wild.items()]

    def matches(self, name: str) -> bool:
        """Return whether anybody wants events of this name. From any thread."""
        return bool(self.of(name))

    def of(self, name: str) -> tuple[T, ...]:
        """Return who wants events of this name, each once."""
        found = self._routes.get(name)
        if found is None:
            if len(self._routes) > KNOWN_NAMES:
                self._routes.clear()
            found = self._routes[name] = self._found(name)
        return found

    def _found(self, name: str) -> tuple[T, ...]:
        found = dict.fromkeys(self._everybody)
        found.update(dict.fromkeys(self._plain.get(name, ())))
        for names, members in self._wild:
            if names.matches(name):
                found.update(dict.fromkeys(members))
        return tuple(found)
