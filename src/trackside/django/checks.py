"""System checks: what is wrong or doubtful about how a project uses Trackside, each with an id and a remedy."""

import importlib.util
import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004  # Django's own names

from trackside.backends.logger import LoggerBackend
from trackside.django.engines import ENGINES
from trackside.django.outbox.settings import read as read_outbox
from trackside.django.settings import read
from trackside.django.settings.current import closest
from trackside.django.settings.declared import LEGACY_NAMES
from trackside.django.tracker import default_tracker
from trackside.routing import RoutingBackend

MIDDLEWARE = "trackside.django.middleware.TrackMiddleware"
_BEFORE = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
)
_ASYNC = "trackside.backends.async_routing.AsyncRoutingBackend"
_OF_OTHERS = frozenset(
    {
        "EVENT_TRACKING_SEGMENTIO_EMIT_WHITELIST",
        "TRACKING_SEGMENTIO_WEBHOOK_SECRET",
        "TRACKING_SEGMENTIO_ALLOWED_TYPES",
        "TRACKING_SEGMENTIO_ALLOWED_ACTIONS",
        "TRACKING_SEGMENTIO_ALLOWED_CHANNELS",
        "TRACKING_SEGMENTIO_DISALLOWED_SUBSTRING_NAMES",
        "TRACKING_SEGMENTIO_SOURCE_MAP",
        "TRACKING_LOG_WRITER",
        "TRACKING_ENABLED",
    }
)
"""Names that Open edX has, whose owner is another part or nobody any more."""


def check_settings(**_: Any) -> Iterator[CheckMessage]:
    """E001: a key or a value of the settings is wrong. W001: a name looks like a setting and is none."""
    for problem in (*read(settings)[1], *read_outbox(settings)[1]):
        yield Error(problem, hint="Change what the message names.", id="trackside.E001")
    for name in dir(settings):
        if name.startswith(("EVENT_TRACKING_", "TRACKING_")) and name not in {*LEGACY_NAMES, *_OF_OTHERS}:
            like = closest(name, LEGACY_NAMES)
            if like:
                yield Warning(f"{name} is read by nobody{like}", hint="Rename it.", id="trackside.W001")


def check_middleware(**_: Any) -> Iterator[CheckMessage]:
    """E002: the middleware stands before what it needs. W002: it is missing."""
    middleware = list(settings.MIDDLEWARE)
    if MIDDLEWARE not in middleware:
        if read(settings)[0].tracker.enabled:
            yield Warning(
                "Events carry nothing of the request they are emitted in.",
                hint=f"Add {MIDDLEWARE!r} to MIDDLEWARE, after the session and authentication middleware.",
                id="trackside.W002",
            )
        return
    place = middleware.index(MIDDLEWARE)
    for needed in _BEFORE:
        if needed in middleware[place:]:
            yield Error(
                f"{MIDDLEWARE} stands before {needed}; its events would have no session or user.",
                hint="Put it after.",
                id="trackside.E002",
            )


def check_async_backends(**_: Any) -> Iterator[CheckMessage]:
    """E003: a worker could not find the backend whose task it runs."""
    tree = read(settings)[0].backends or {}
    for path, name, node in _engines(tree, ""):
        if ENGINES.get(node["ENGINE"], node["ENGINE"]) != _ASYNC:
            continue
        told = (node.get("OPTIONS") or {}).get("backend_name")
        if path != name:
            yield Error(
                f"The backend {path} sends through Celery, but is nested.",
                hint="Workers look it up by name: move it to the top of EVENT_TRACKING_BACKENDS.",
                id="trackside.E003",
            )
        elif told != name:
            yield Error(
                f"The backend {name} has the backend_name {told!r}.",
                hint=f"Workers look it up by it: make it {name!r}.",
                id="trackside.E003",
            )


def check_legacy_backends(**_: Any) -> Iterator[CheckMessage]:
    """E004: TRACKING_BACKENDS cannot be used."""
    if not getattr(settings, "TRACKING_BACKENDS", None):
        return
    try:
        from trackside.django.legacy_tracker import backends_from_settings

        backends_from_settings()
    except Exception as error:  # noqa: BLE001  # a backend's own constructor may raise anything
        yield Error(
            f"TRACKING_BACKENDS: {type(error).__name__}: {error}",
            hint="Each value needs an ENGINE derived from trackside.django.legacy_tracker.base.BaseBackend.",
            id="trackside.E004",
        )


def check_loggers(**_: Any) -> Iterator[CheckMessage]:
    """W003: a backend writes to a logger that nobody reads."""
    tracker = default_tracker()
    for backend in _leaves(tracker.backends if tracker else {}):
        if isinstance(backend, LoggerBackend) and not _is_read(backend.event_logger):
            name = backend.event_logger.name
            yield Warning(
                f"The logger {name!r} of a tracking backend has no handler, or its level is above INFO.",
                hint=f"Configure LOGGING['loggers'][{name!r}] with a handler, level DEBUG and propagate False.",
                id="trackside.W003",
            )


def check_segment(**_: Any) -> Iterator[CheckMessage]:
    """W004: there is a write key of Segment, but nothing that could send there."""
    if read(settings)[0].segment.write_key and not any(map(_is_installed, ("segment", "analytics"))):
        yield Warning(
            "A Segment write key is set, but Segment's library is not installed.",
            hint="Install it: pip install 'trackside[segment]'.",
            id="trackside.W004",
        )


ALL = (
    check_settings,
    check_middleware,
    check_async_backends,
    check_legacy_backends,
    check_loggers,
    check_segment,
)


def _engines(tree: object, path: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield every ENGINE node of a tree with its path and its own name."""
    if not isinstance(tree, Mapping):
        return
    for name, node in tree.items():
        here = f"{path}.{name}" if path else str(name)
        if isinstance(node, Mapping) and "ENGINE" in node:
            yield here, str(name), node
            yield from _engines((node.get("OPTIONS") or {}).get("backends"), here)


def _leaves(backends: Mapping[str, Any]) -> Iterable[Any]:
    for backend in backends.values():
        inner = getattr(backend, "backends", None)
        if isinstance(backend, RoutingBackend) and isinstance(inner, Mapping):
            yield from _leaves(inner)
        else:
            yield backend


def _is_read(logger: logging.Logger) -> bool:
    return logger.isEnabledFor(logging.INFO) and logger.hasHandlers()


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False
