"""Hands events to nested backends in a Celery worker, many in one task."""

import json
import logging
import os
import weakref
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import uuid4

from trackside.backends.handover import QUEUE_BYTES, Delay, Handover
from trackside.backends.tasks import MAX_RETRIES, RETRY_DELAY_S, send_event, send_events
from trackside.emitted import Unencodable, encode_json
from trackside.emitted.identity import event_id
from trackside.errors import ConfigurationError
from trackside.processors.exceptions import EventEmissionExit
from trackside.routing import Backend, Processor, RoutingBackend
from trackside.telemetry import catalogue

try:
    import kombu.utils.json
    from kombu.exceptions import EncodeError
except ImportError:
    kombu_json: Any = None
else:
    kombu_json = kombu.utils.json

Entry = tuple[int, str, str]

OVERHEAD_BYTES = 300
BATCH_EVENTS = 100
BATCH_BYTES = 1_048_576
"""Brokers refuse, or are slow with, messages that are much larger."""
BATCH_WAIT_S = 0.2

_CONFIRMING = frozenset({"amqp", "amqps", "pyamqp"})
_CONFIRM = {"confirm_publish": True, "read_timeout": 30, "write_timeout": 30}
_abandoned: list[Any] = []

logger = logging.getLogger("trackside.backends.async_routing")


class AsyncRoutingBackend(RoutingBackend):
    """Runs its processors where the event is emitted, and its backends in a Celery worker.

    The worker finds the backends by name: this one must be in the default tracker, under `backend_name`, in the
    worker too. Up to `batch_events` share a task, and none waits longer than `batch_wait_s` for others. While the
    broker is away events wait in memory, up to `queue_bytes`; what does not fit is counted under
    `trackside_backend_dropped_total`. A nested backend that fails gets the event again after `retry_delay_s`, up
    to `max_retries` times. Where Celery is eager, everything happens before `send` returns.
    """

    mutates = False

    def __init__(
        self,
        processors: Iterable[Processor] | None = None,
        backends: Mapping[str, Backend] | None = None,
        backend_name: str = "",
        *,
        batch_events: int = BATCH_EVENTS,
        batch_wait_s: float = BATCH_WAIT_S,
        max_retries: int = MAX_RETRIES,
        retry_delay_s: float = RETRY_DELAY_S,
        queue_bytes: int = QUEUE_BYTES,
        exit_timeout_s: float = 5.0,
    ) -> None:
        """Raises ConfigurationError without Celery. With `batch_events=1` the task is the one of eventtracking,
        which workers know that do not run Trackside yet.
        """
        if send_event is None:
            raise ConfigurationError("AsyncRoutingBackend needs Celery; install trackside[celery]")
        super().__init__(backends=backends, processors=processors)
        self.backend_name = backend_name
        self.max_retries = max_retries
        self.retry_delay_s = retry_delay_s
        self._batch_events = batch_events
        self._producer: Any = None
        self._handover: Handover[Entry] = Handover(
            "async_routing",
            self._publish,
            queue_bytes=queue_bytes,
            linger_s=batch_wait_s,
            group_events=batch_events,
            group_bytes=BATCH_BYTES,
            exit_timeout_s=exit_timeout_s,
            forked=self._abandon_connection,
        )
        abandon = weakref.WeakMethod(self._abandon_connection)
        os.register_at_fork(after_in_child=lambda: (call := abandon()) and call())

    def send(self, event: Any) -> None:
        """Process the event and hand it over. Never waits for the broker."""
        try:
            processed = self.process_event(event)
        except EventEmissionExit:
            catalogue.EMITTED_DROPPED.add(1, "filtered")
            return
        # A test that replaces `send_event` has a task that answers yes to everything.
        if send_event.app.conf.task_always_eager:
            send_event.delay(self.backend_name, processed)
            return
        try:
            text = _encoded(processed)
        except Unencodable as error:
            self._handover.losses.add(1, "unencodable", str(error))
            return
        self._handover.put((len(text) + OVERHEAD_BYTES, event_id() or uuid4().hex, text))

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Return True once the broker has every event sent before; False after the timeout."""
        return self._handover.flush(timeout_s)

    def _publish(self, entries: Sequence[Entry]) -> Delay | None:
        try:
            if self._batch_events == 1:
                ((_, _, text),) = entries
                self._publish_task(send_event, kombu_json.loads(text))
            else:
                self._publish_task(send_events, [[id_, text, None] for _, id_, text in entries])
        except (EncodeError, TypeError, ValueError):
            raise
        except Exception as error:  # noqa: BLE001  # each broker has its own ways to be away
            self._close_connection()
            reason = f"the broker cannot be reached: {type(error).__name__}"
            return Delay(reason, lambda: self._publish(entries))
        return None

    def _publish_task(self, task: Any, argument: Any) -> None:
        if self._producer is None:
            # A connection of our own, so that RabbitMQ can confirm: without that, what is still on its way
            # when a process ends or a connection breaks is lost without anybody's knowing.
            connection = task.app.connection_for_write()
            if connection.transport_cls in _CONFIRMING:
                connection.transport_options = {**_CONFIRM, **(connection.transport_options or {})}
            self._producer = task.app.amqp.Producer(connection, auto_declare=False)
        task.apply_async((self.backend_name, argument), producer=self._producer, retry=False)

    def _close_connection(self) -> None:
        producer, self._producer = self._producer, None
        with suppress(Exception):
            producer.connection.close()

    def _abandon_connection(self) -> None:
        """In a forked child: the connection is the parent's, and would be shut down if it were let go."""
        if self._producer is not None:
            _abandoned.append(self._producer)
            self._producer = None


def _encoded(event: Any) -> str:
    """Return `event` as Celery's JSON, which keeps times, UUIDs and decimals what they are. Raises Unencodable."""
    try:
        text: str = kombu_json.dumps(event)
    except (TypeError, ValueError, OverflowError, RecursionError, EncodeError):
        plain = json.loads(encode_json(event))
        if isinstance(plain, dict) and isinstance(event.get("timestamp"), datetime):
            plain["timestamp"] = event["timestamp"]
        text = kombu_json.dumps(plain)
    return text
