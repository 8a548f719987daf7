"""Threads that are threads, and waiting for them, also where gevent has put greenlets in the place of both.

Greenlets share one thread of the system. An event loop in one of them is seen by all the others as theirs, so that
Django refuses its queries; and who waits by the system's means holds up every one of them.
"""

import sys
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol


class Arrival(Protocol):
    """Something that one thread waits for, once, and another one tells."""

    def tell(self) -> None:
        """Let `wait` return. From any thread; also when nobody waits any more."""
        ...

    def wait(self, timeout_s: float) -> bool:
        """Return True once it was told, False after the timeout."""
        ...


def arrival() -> Arrival:
    """Return what the calling thread, or greenlet, can wait for while others go on."""
    return _GreenletArrival() if is_patched() else _ThreadArrival()


def is_patched() -> bool:
    """Return whether gevent has put greenlets in the place of threads."""
    monkey: Any = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


def start_thread(run: Callable[[], None], *, name: str) -> None:
    """Run `run` in a daemon thread of the system."""
    if is_patched():
        _original("_thread", "start_new_thread")(run, ())
    else:
        threading.Thread(target=run, name=name, daemon=True).start()


class _ThreadArrival:
    def __init__(self) -> None:
        self._told = threading.Event()

    def tell(self) -> None:
        self._told.set()

    def wait(self, timeout_s: float) -> bool:
        return self._told.wait(timeout_s)


class _GreenletArrival:
    """Wakes the greenlet by the one thing of its loop that other threads may touch."""

    def __init__(self) -> None:
        gevent: Any = import_module("gevent")
        self._told: Any = import_module("gevent.event").Event()
        self._lock: Any = _original("_thread", "allocate_lock")()
        self._watcher: Any = gevent.get_hub().loop.async_()
        self._watcher.start(self._told.set)

    def tell(self) -> None:
        with self._lock:
            if self._watcher is not None:
                self._watcher.send()

    def wait(self, timeout_s: float) -> bool:
        try:
            return bool(self._told.wait(timeout_s))
        finally:
            with self._lock:  # never held for longer than it takes to send
                self._watcher.stop()
                self._watcher.close()
                self._watcher = None


def _original(module: str, name: str) -> Any:
    return import_module("gevent.monkey").get_original(module, name)
