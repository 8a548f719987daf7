"""Where the contexts of the code that runs now are kept: one stack for each thread, task or greenlet."""

import itertools
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextvars import ContextVar
from typing import Any, Protocol, Self

_serial = itertools.count()
_NOTHING: Mapping[str, Any] = {}


class ContextLocator(Protocol):
    """Finds the contexts that apply to the caller."""

    def get(self) -> MutableMapping[str, Any]:
        """Return the caller's contexts by name, in the order they were entered; changes to it last."""
        ...


class LocatedContexts(MutableMapping[str, Any]):
    """The contexts of whoever looks: a mapping kept in insertion order whose content follows the caller.

    A change makes a new dict in the caller's own `contextvars` context. What `asyncio.create_task` and
    `asyncio.to_thread` start begins with what is there now, a new thread or greenlet with nothing; what
    either side enters or leaves afterwards is unknown to the other.
    """

    __slots__ = ("_variable",)

    def __init__(self, variable: ContextVar[Mapping[str, Any]]) -> None:
        self._variable = variable

    def __getitem__(self, name: str) -> Any:
        return self._variable.get()[name]

    def __setitem__(self, name: str, context: Any) -> None:
        self._variable.set({**self._variable.get(), name: context})

    def __delitem__(self, name: str) -> None:
        changed = dict(self._variable.get())
        del changed[name]
        self._variable.set(changed)

    def __iter__(self) -> Iterator[str]:
        return iter(self._variable.get())

    def __len__(self) -> int:
        return len(self._variable.get())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self._variable.get())})"  # names only: contexts hold user data

    def values(self) -> Any:
        """Return a view of the contexts that apply now."""
        return self._variable.get().values()


class ContextVarLocator:
    """Keeps contexts in a `contextvars.ContextVar` of its own: the default.

    Right under threads, asyncio tasks, `asyncio.to_thread`, and greenlets (gevent gives each its own context).
    """

    def __init__(self) -> None:
        variable: ContextVar[Mapping[str, Any]] = ContextVar(
            f"trackside_contexts_{next(_serial)}", default=_NOTHING
        )
        self._located = LocatedContexts(variable)
        self.current: Callable[[], Mapping[str, Any]] = variable.get
        """Returns what `get` would, not to be changed, without the cost of following later changes."""

    def get(self) -> MutableMapping[str, Any]:
        """Return the caller's contexts by name, in the order they were entered; changes to it last."""
        return self._located

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return the locator itself: contexts belong to the code that runs, of whatever tracker it is a copy."""
        return self

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        """Let a tracker be pickled: where it is loaded, other code runs, in contexts of its own."""
        return type(self), ()


class ThreadLocalContextLocator(ContextVarLocator):
    """The locator that `eventtracking` sites name; here it tells apart tasks and greenlets as well as threads."""

    def __init__(self) -> None:
        super().__init__()
        self.thread_local_data: object | None = None
        """What `eventtracking` keeps its contexts in; nothing is kept there."""


class DefaultContextLocator:
    """One mapping for the whole process, whoever asks: for programs with a single flow of control."""

    def __init__(self) -> None:
        self._contexts: dict[str, Any] = {}

    def get(self) -> MutableMapping[str, Any]:
        """Return the process's contexts by name, in the order they were entered; changes to it last."""
        return self._contexts
