"""The Celery tasks behind `AsyncRoutingBackend`: in the worker, events go to the nested backends.

A backend that fails is tried again, alone: those that took the event do not get it twice.
"""

import json
import logging
from collections.abc import Iterator, Sequence
from typing import Any

from trackside.backends.losses import Losses
from trackside.emitted import copy_event
from trackside.emitted.identity import sending_as
from trackside.processors.exceptions import EventEmissionExit, NoBackendEnabled, NoTransformerImplemented
from trackside.routing import RoutingBackend, leaves_untouched
from trackside.tracker import get_tracker

try:
    import kombu.utils.json
    from celery import shared_task
except ImportError:
    shared_task = None
    kombu_json: Any = None
else:
    kombu_json = kombu.utils.json

MAX_RETRIES = 3
RETRY_DELAY_S = 30

Path = list[str]
"""The names on the way from a router to one of its backends, which may be in a router inside it."""
Sent = Sequence[Any]
"""An event on its way to a worker: its id, its JSON, and the paths to send it to (None: all)."""

logger = logging.getLogger("trackside.backends.tasks")
_losses = Losses("async_routing")


class DeliveryFailedError(Exception):
    """Backends inside an `AsyncRoutingBackend` failed to take events."""


def _send_event(task: Any, backend_name: str, processed_event: Any, only: list[Path] | None = None) -> None:
    """Hand one event, already processed, to what is inside the backend of this name of the default tracker."""
    router = _router(task, backend_name)
    failed = send_inside(router, processed_event, only)
    if failed:
        _retry(task, router, [backend_name, processed_event, failed], 1, [failed])


def _send_events(task: Any, backend_name: str, events: Sequence[Sent]) -> None:
    """Do the same with many events, each of which comes with an id of its own."""
    router = _router(task, backend_name)
    failures: list[Sent] = []
    for id_, text, only in events:
        with sending_as(id_):
            failed = send_inside(router, kombu_json.loads(text), only)
        if failed:
            failures.append([id_, text, failed])
    if failures:
        paths = [failed for _, _, failed in failures]
        _retry(task, router, [backend_name, failures], len(failures), paths)


def send_inside(router: Any, event: Any, only: list[Path] | None = None) -> list[Path]:
    """Hand `event` to the backends inside `router`, and return the paths to those that failed.

    With `only`, to those of these paths. Routers inside are gone through, each with its own processors.
    """
    if not isinstance(router, RoutingBackend) or _overrides(router, "send_to_backends"):
        router.send_to_backends(copy_event(event))
        return []
    return [path for name in router.backends for path in _send_to(router, name, event, only)]


def _send_to(router: RoutingBackend, name: str, event: Any, only: list[Path] | None) -> Iterator[Path]:
    rest = None if only is None else [path[1:] for path in only if path[:1] == [name]]
    if rest == []:
        return
    backend = router.backends[name]
    try:
        if isinstance(backend, RoutingBackend) and not _overrides(backend, "send"):
            inside = None if rest is None or [] in rest else rest
            for path in send_inside(backend, backend.process_event(event), inside):
                yield [name, *path]
            return
        backend.send(event if leaves_untouched(backend, "send") else copy_event(event))
    except EventEmissionExit:
        return
    except (NoTransformerImplemented, NoBackendEnabled) as reason:
        logger.info(
            "A backend does not want an event", extra={"backend": name, "error": type(reason).__name__}
        )
    except Exception as error:  # the border: a backend's fault is its own, and it is tried again
        logger.exception(
            "A backend failed to take an event", extra={"backend": name, "error": type(error).__name__}
        )
        yield [name]


def _overrides(router: RoutingBackend, method: str) -> bool:
    return getattr(type(router), method) is not getattr(RoutingBackend, method) or method in vars(router)


def _router(task: Any, backend_name: str) -> Any:
    try:
        return get_tracker().backends[backend_name]
    except KeyError as error:  # a worker that has not been deployed yet
        raise task.retry(exc=error, countdown=RETRY_DELAY_S, max_retries=MAX_RETRIES) from error


def _retry(task: Any, router: Any, arguments: list[Any], events: int, failed: Sequence[list[Path]]) -> None:
    """Have the task tried again with these arguments; raises. After the last attempt the events are counted."""
    names = json.dumps(sorted({"/".join(path) for paths in failed for path in paths}))
    most = getattr(router, "max_retries", MAX_RETRIES)
    if task.request.retries >= most:
        _losses.add(events, "retries_exhausted", f"failed {most + 1} times: {names}")
        raise DeliveryFailedError(names)
    raise task.retry(
        args=arguments,
        kwargs={},
        exc=DeliveryFailedError(names),
        countdown=getattr(router, "retry_delay_s", RETRY_DELAY_S),
        max_retries=most,
    )


send_event: Any = None
send_events: Any = None
if shared_task is not None:
    # The first bears the name under which events are on their way when a site moves to us.
    send_event = shared_task(bind=True, name="eventtracking.tasks.send_event")(_send_event)
    # Acknowledged when it is done: a worker that is killed has lost nothing, as every event has its id.
    send_events = shared_task(bind=True, name="trackside.send_events", acks_late=True)(_send_events)
