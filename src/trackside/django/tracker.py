"""The tracker of a Django project, made from its settings."""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.conf import settings

from trackside.backends.log import LogBackend
from trackside.django.engines import backends_from, processors_from
from trackside.django.settings import DjangoSettings, current, read
from trackside.locator import ThreadLocalContextLocator
from trackside.tracker import TRACKERS, Tracker, register_tracker

LOG_BACKEND = "trackside.backends.log.LogBackend"
"""What keeps events where the settings name no backend."""


class DjangoTracker(Tracker):
    """A tracker whose backends and processors are those of two Django settings, read once.

    The first holds a dict, name → {"ENGINE": dotted class, "OPTIONS": its keyword arguments}, the second a list
    of the same. Raises ValueError where a class cannot be found, or is no backend or processor.
    """

    def __init__(
        self,
        backends_settings_name: str = "EVENT_TRACKING_BACKENDS",
        processors_settings_name: str = "EVENT_TRACKING_PROCESSORS",
    ) -> None:
        self.backends_settings_name = backends_settings_name
        self.processors_settings_name = processors_settings_name
        super().__init__(
            backends=backends_from(getattr(settings, backends_settings_name, {})),
            context_locator=ThreadLocalContextLocator(),
            processors=processors_from(getattr(settings, processors_settings_name, [])),
            durable_timeout_s=read(settings)[0].tracker.durable_timeout_s,
        )


def tracker_from_settings() -> Tracker:
    """Return the tracker that `settings.TRACKSIDE` and the names of Open edX sites describe.

    Where they name no backend it keeps events in the log in `data_dir`. Nothing is opened or started before
    the first event, as far as that is up to us. Raises ImproperlyConfigured and what `DjangoTracker` raises.
    """
    declared = current()
    if not declared.tracker.enabled:
        return Tracker()
    return Tracker(
        backends=backends_from(_backends_of(declared)),
        processors=processors_from(declared.processors),
        durable_timeout_s=declared.tracker.durable_timeout_s,
    )


def override_default_tracker() -> None:
    """Register a `DjangoTracker` as the default tracker, where EVENT_TRACKING_ENABLED says so."""
    if getattr(settings, "EVENT_TRACKING_ENABLED", False):
        register_tracker(DjangoTracker())


def default_tracker() -> Tracker | None:
    """Return the default tracker, or None where no app has registered one."""
    return TRACKERS.get("default")


_find_view_tracker: Callable[[], Tracker | None] | None = None


def view_tracker() -> Tracker | None:
    """Return the tracker that the views of `/event` and `/segmentio/event` emit to: the default one, as a rule."""
    found = _find_view_tracker() if _find_view_tracker is not None else None
    return default_tracker() if found is None else found


def set_view_tracker(find: Callable[[], Tracker | None] | None) -> None:
    """Let the views emit to what `find` returns, where it returns one; None: to the default tracker."""
    global _find_view_tracker  # noqa: PLW0603  # a process has one set of URLs
    _find_view_tracker = find


def log_backends() -> Iterator[LogBackend]:
    """Yield the backends of the default tracker, nested ones too, that keep a log here."""
    for backend in _every_backend(default_tracker()):
        if isinstance(backend, LogBackend):
            yield backend


def begin_forwarding() -> None:
    """Let the backends of all trackers that forward begin with what is left from before."""
    from trackside.backends.forward import ForwardBackend  # most sites have none, and it takes 50 ms

    for tracker in tuple(TRACKERS.values()):
        for backend in _every_backend(tracker):
            if isinstance(backend, ForwardBackend):
                backend.begin()


def _every_backend(router: Any) -> Iterator[Any]:
    backends = getattr(router, "backends", None)
    if isinstance(backends, Mapping):
        for backend in backends.values():
            yield backend
            yield from _every_backend(backend)


def _backends_of(declared: DjangoSettings) -> dict[str, Any]:
    """Return the tree of backends of a project; a log without OPTIONS is the one in its `data_dir`."""
    default = default_backends(declared)
    if declared.backends is None:
        return default
    bare = {"ENGINE": LOG_BACKEND}
    return {name: default["log"] if node == bare else node for name, node in declared.backends.items()}


def default_backends(declared: DjangoSettings) -> dict[str, Any]:
    """Return the tree of backends of a project that names none: the log in `data_dir`."""
    # the environment first, as everywhere: the command line reads the same log
    data_dir = os.environ.get("TRACKSIDE_DATA_DIR") or declared.server.get("data_dir")
    options = {"data_dir": data_dir, "settings": declared.server.get("log")}
    return {"log": {"ENGINE": LOG_BACKEND, "OPTIONS": options}}
