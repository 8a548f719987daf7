"""Sends events to Segment with Segment's own library.

Who configures the library elsewhere (`analytics.write_key = …`, as the LMS does) needs no option here.
"""

import os
import threading
import time
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from trackside.backends.exits import call_at_exit, watch_exits
from trackside.backends.losses import Losses
from trackside.emitted.identity import event_id
from trackside.segment_mapping import to_segment_call


def _library() -> Any:
    for name in ("segment.analytics", "analytics"):  # the second is its former name, up to 1.4
        try:
            return import_module(name)
        except ImportError:
            continue
    return None


analytics = _library()
EXIT_TIMEOUT_S = 5.0


class SegmentBackend:
    """Calls `analytics.track` for every event that has a name and a user.

    The library sends from a thread of its own. What it has not sent when the process ends is flushed, within
    `exit_timeout_s`; what it refuses is counted under `trackside_backend_dropped_total`.
    """

    mutates = False

    def __init__(
        self,
        write_key: str | None = None,
        *,
        host: str | None = None,
        exit_timeout_s: float = EXIT_TIMEOUT_S,
    ) -> None:
        """`write_key` and `host` are set in the library where nobody has set them before the first event."""
        self._write_key = write_key
        self._host = host
        self._exit_timeout_s = exit_timeout_s
        self._losses = Losses("segment")
        self._ready_in = 0
        os.register_at_fork(after_in_child=_forget_client)

    def send(self, event: Mapping[str, Any]) -> None:
        """Hand the event to the library; without a name or a user it is none of Segment's. Never raises."""
        if analytics is None:
            self._losses.add(1, "not_installed", "install segment-analytics-python to send to Segment")
            return
        call = to_segment_call(event, event_id())
        if call is None:
            return
        also: dict[str, Any] = {"context": call.context}
        if call.timestamp is not None:
            also["timestamp"] = call.timestamp
        if call.message_id is not None:
            also["message_id"] = call.message_id
        self._configure()
        try:
            taken = analytics.track(call.user_id, call.event, call.properties, **also)
        except Exception as error:  # noqa: BLE001  # the library asserts, and raises for sizes and encodings
            self._losses.add(1, "refused", f"Segment's library raised {type(error).__name__}")
            return
        if isinstance(taken, tuple) and not taken[0]:
            self._losses.add(1, "queue_full", "the queue of Segment's library is full")
        if self._ready_in != os.getpid():
            self._ready_in = os.getpid()
            # Not before the library has registered its own way to end, which leaves behind what it holds.
            call_at_exit(self._finish)
            watch_exits()

    def flush(self, timeout_s: float = EXIT_TIMEOUT_S) -> bool:
        """Return True once the library has sent what it was given; False after the timeout."""
        if analytics is None:
            return True
        if _left_over() is None:
            return self._flush_in_thread(timeout_s)
        deadline = time.monotonic() + timeout_s
        while _left_over():
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.005)
        return True

    def _flush_in_thread(self, timeout_s: float) -> bool:
        # The library waits without end; a thread of ours can be left behind.
        waiting = threading.Thread(target=analytics.flush, name="trackside-segment-flush", daemon=True)
        try:
            waiting.start()
        except RuntimeError:  # the interpreter is ending
            return False
        waiting.join(timeout_s)
        return not waiting.is_alive()

    def _configure(self) -> None:
        if self._write_key and not analytics.write_key:
            analytics.write_key = self._write_key
        if self._host and not analytics.host:
            analytics.host = self._host

    def _finish(self) -> None:
        if analytics is None or self._ready_in != os.getpid():
            return
        if not self.flush(self._exit_timeout_s):
            self._losses.add(_left_over() or 1, "exit", "Segment did not answer in time")
        self._losses.report(now=True)


def _left_over() -> int | None:
    """Return how many events the library has taken and not sent, or None where that cannot be seen."""
    client = getattr(analytics, "default_client", None)
    if client is None:
        return 0
    unfinished = getattr(getattr(client, "queue", None), "unfinished_tasks", None)
    return unfinished if isinstance(unfinished, int) else None


def _forget_client() -> None:
    """In a forked child: the library's thread is the parent's, and nobody would send from its queue."""
    if analytics is not None and getattr(analytics, "default_client", None) is not None:
        analytics.default_client = None
