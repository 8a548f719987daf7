"""A way to a server that can be cut: connections break, new ones are refused, as while the server is away."""

import socket
import threading
from contextlib import suppress
from types import TracebackType


class Proxy:
    """Passes on what comes to its port, within a `with`."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._listening: socket.socket | None = None
        self._ends: list[socket.socket] = []
        self.passes_on = True
        """False: what is accepted is never answered."""

    def __enter__(self) -> "Proxy":
        self.restore()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()

    def restore(self) -> None:
        """Let connections be made again."""
        listening = socket.create_server(("127.0.0.1", self.port))
        self._listening = listening
        threading.Thread(target=self._accept, args=(listening,), daemon=True).start()

    def cut(self) -> None:
        """Break every connection, and refuse new ones."""
        listening, self._listening = self._listening, None
        ends, self._ends = self._ends, []
        for each in (listening, *ends):
            if each is not None:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                near, _ = listening.accept()
            except OSError:
                return
            self._ends.append(near)
            if not self.passes_on:
                continue
            far = socket.create_connection(self._to)
            self._ends.append(far)
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    @staticmethod
    def _pass_on(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65_536):
                other.sendall(data)
        with suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)
