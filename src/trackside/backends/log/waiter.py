"""Waits for the commit of one event."""

import threading


class Waiter:
    """Is told once what became of an event; made by who emits, told by the thread that commits."""

    __slots__ = ("_durable", "_told")

    def __init__(self) -> None:
        self._told = threading.Event()
        self._durable = False

    def tell(self, *, durable: bool) -> None:
        """Say that the event is durable, or will not be."""
        self._durable = durable
        self._told.set()

    def wait(self, timeout_s: float) -> bool:
        """Return True once the event is durable; False where it is lost, or not durable by then."""
        return self._told.wait(timeout_s) and self._durable


class Lost:
    """The waiter of an event that was not even handed over."""

    def wait(self, timeout_s: float) -> bool:  # noqa: ARG002  # there is nothing to wait for
        """Return False."""
        return False
