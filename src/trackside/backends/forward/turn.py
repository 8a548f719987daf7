"""Only one process forwards from a data directory: whoever has its turn."""

import fcntl
import os
from pathlib import Path

_held: set[Path] = set()
"""Files whose lock this process has: the kernel tells processes apart, not threads."""


class Turn:
    """A lock on a file that ends with the process, however it ends.

    A record lock, because a forked child does not inherit it: what it would hold on to nobody else could take.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._pid = 0

    def take(self) -> bool:
        """Return whether it is this process's turn; never waits."""
        if self._descriptor is not None and self._pid == os.getpid():
            return True
        if self._path in _held and self._pid == os.getpid():
            return False
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._descriptor, self._pid = descriptor, os.getpid()
        _held.add(self._path)
        return True

    def give(self) -> None:
        """Let another process have its turn. A second call does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            _held.discard(self._path)


os.register_at_fork(after_in_child=_held.clear)
