"""The backend of a host that is not the server: a log of its own, and a thread that brings it to the server."""

import logging
import os
import threading
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from trackside.backends.exits import call_at_exit, watch_exits
from trackside.backends.forward.client import BatchClient
from trackside.backends.forward.forwarder import DEPTH, EVENT_BYTES, Forwarder
from trackside.backends.forward.turn import Turn
from trackside.backends.log import LogBackend
from trackside.config.settings import LogSettings
from trackside.emitted import UnwrittenEvent, WrittenEvent, also_now, also_written
from trackside.errors import StorageError
from trackside.log.base import Log

TURN_EVERY_S = 3.0
EXIT_TIMEOUT_S = 2.0
LOCK = "forward.lock"

logger = logging.getLogger(__name__)


class ForwardBackend(LogBackend):
    """Sends every event to the log in `data_dir`, as `LogBackend` does, and from there to a Trackside server.

    `emit` waits for neither, and `durable=True` for the disk of this host alone. One process of those that share
    the directory forwards, in a thread that starts with the first event; when it ends another one takes over,
    from the position on disk. With `forwards=False` none does: then `trackside forward` has to run beside them.
    """

    mutates = False

    def __init__(
        self,
        url: str,
        write_key: str,
        data_dir: str | Path | None = None,
        *,
        forwards: bool = True,
        event_bytes: int = EVENT_BYTES,
        depth: int = DEPTH,
        **options: Any,
    ) -> None:
        """`url` and `write_key` are the server's; `event_bytes` and `depth` what it takes (`[limits]` there).

        `options` are those of `LogBackend`. Raises ConfigurationError.
        """
        super().__init__(data_dir, **options)
        self._client = BatchClient(url, write_key)
        self._limits = {"event_bytes": event_bytes, "depth": depth}
        self._forwards = forwards
        self._idle = forwards
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        begin = weakref.WeakMethod(self._begin_anew)
        os.register_at_fork(after_in_child=lambda: (call := begin()) and call())

    @also_now
    @also_written
    def send(self, event: Mapping[str, Any]) -> None:
        """Hand the event over; what was not handed over is counted. Never raises for what an event holds."""
        super().send(event)
        self.begin()

    def send_now(self, *parts: Any) -> bool:
        """Hand an event of these parts over; return False, with nothing done, where anything in it is unusual."""
        taken = super().send_now(*parts)
        if self._idle:
            self._start()
        return taken

    def send_written(self, event: WrittenEvent | UnwrittenEvent) -> bool:
        """Do as `LogBackend.send_written`, and forward what is handed over."""
        taken = super().send_written(event)
        self.begin()
        return taken

    def begin(self) -> None:
        """Forward what a process left that has ended, before there is an event; for one that may long have none."""
        if self._idle:
            self._start()

    def _begin_anew(self) -> None:
        self._client = self._client.another()
        self._idle = self._forwards
        self._stop = threading.Event()
        self._thread = None

    def _start(self) -> None:
        self._idle = False
        self._thread = threading.Thread(target=self._run, name="trackside-forward", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # the interpreter is ending: another process forwards
            return
        call_at_exit(self._finish)
        watch_exits()

    def _run(self) -> None:
        take_turns(
            self.data_dir,
            lambda: self.log,
            self._client,
            self._stop,
            event_bytes=self._limits["event_bytes"],
            depth=self._limits["depth"],
        )

    def _finish(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(EXIT_TIMEOUT_S)


def run_forwarder(
    data_dir: str | Path,
    url: str,
    write_key: str,
    *,
    stop: threading.Event,
    settings: LogSettings | None = None,
    event_bytes: int = EVENT_BYTES,
    depth: int = DEPTH,
) -> None:
    """Forward what is in the log of `data_dir` to the server at `url` until `stop` is set; for a command.

    Waits for its turn where another process forwards. Raises ConfigurationError, and StorageError at the start.
    """
    from trackside.log.sqlite import SQLiteLog

    client = BatchClient(url, write_key)
    log = SQLiteLog(Path(data_dir), settings or LogSettings())
    try:
        take_turns(Path(data_dir), lambda: log, client, stop, event_bytes=event_bytes, depth=depth)
    finally:
        log.close()


def take_turns(
    data_dir: Path,
    open_log: Callable[[], Log],
    client: BatchClient,
    stop: threading.Event,
    *,
    event_bytes: int = EVENT_BYTES,
    depth: int = DEPTH,
) -> None:
    """Forward whenever it is this process's turn, until `stop` is set; what cannot be used now is tried again."""
    turn = Turn(data_dir / LOCK)
    try:
        while not stop.is_set():
            try:
                log = open_log()
                if turn.take():
                    Forwarder(log, client, event_bytes=event_bytes, depth=depth).run(stop)
                    return
            except (StorageError, OSError) as error:
                logger.warning("Nothing can be forwarded now: %s", error)
            except Exception:
                logger.exception("the forwarder failed")
            stop.wait(TURN_EVERY_S)
    finally:
        client.close()
        turn.give()
