"""System checks: what is wrong or doubtful about how a project uses Trackside, each with an id and a remedy."""

import importlib.util
import inspect
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004  # Django's own names
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.module_loading import import_string

from trackside.backends.logger import LoggerBackend
from trackside.django.engines import ENGINES
from trackside.django.middleware import TrackMiddleware
from trackside.django.outbox.settings import read as read_outbox
from trackside.django.secret_rows import encryption
from trackside.django.settings import read
from trackside.django.settings.current import closest
from trackside.django.settings.declared import LEGACY_NAMES
from trackside.django.tracker import default_tracker
from trackside.django.verbs import as_file
from trackside.django.views.segmentio import segmentio_event
from trackside.django.webfilters.checks import check_client, check_transactions, check_webfilters
from trackside.django.webfilters.settings import read as read_webfilters
from trackside.errors import ConfigurationError
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
        "TRACKING_LOG_WRITER",
        "TRACKING_ENABLED",
    }
)
"""Names that Open edX has, whose owner is another part or nobody any more."""


CHECKS: Mapping[str, str] = {
    "trackside.E001": "A key or a value of the settings is wrong.",
    "trackside.E002": "The middleware stands before the session or authentication middleware, which it needs.",
    "trackside.E003": "A backend that sends through Celery is nested, or its `backend_name` is not its own name:"
    " the worker cannot find it.",
    "trackside.E004": "TRACKING_BACKENDS cannot be used.",
    "trackside.E005": "`segment_webhook.dedup_cache` is no name in CACHES.",
    "trackside.W001": "A Django setting is called almost like one that is read.",
    "trackside.W002": "The middleware is missing.",
    "trackside.W003": "A backend writes to a logger without a handler, or of a level above INFO.",
    "trackside.W004": "There is a write key of Segment, but Segment's library is not installed.",
    "trackside.W005": "There is a secret for Segment's webhook, but no URL leads to it.",
    "trackside.W006": "`segment_webhook` is set, but has no secret: nothing is taken.",
    "trackside.W007": "The webhook's generation is 2014, whose events go to TRACKING_BACKENDS, which is empty.",
    "trackside.W008": "Whoever has an app can have events written as if the platform had seen them"
    " (`trust_client_context`).",
    "trackside.W009": "Requests to the webhook are events by themselves, which show its key.",
    "trackside.W010": "Webhooks and webfilters cannot be kept in the database: what encrypts their secrets is not"
    " installed.",
    "trackside.W011": "A hook of `webfilters`, or a name in its `points`, is for no filter point that the project"
    " declares: nobody is asked, nothing changes.",
    "trackside.W012": "Requests are transactions (ATOMIC_REQUESTS), in which nobody is asked at a filter point that has"
    " hooks; rows are looked at by `check --database default` and `migrate` only.",
    "trackside.W013": "Webfilters of the database cannot be asked: no HTTP client is installed.",
}
"""Id → what it says."""


def check_settings(**_: Any) -> Iterator[CheckMessage]:
    """E001, W001."""
    problems = [*read(settings)[1], *read_outbox(settings)[1], *read_webfilters(settings)[1]]
    for problem in problems or _server_problems():
        yield Error(problem, hint="Change what the message names.", id="trackside.E001")
    for name in dir(settings):
        if name.startswith(("EVENT_TRACKING_", "TRACKING_")) and name not in {*LEGACY_NAMES, *_OF_OTHERS}:
            like = closest(name, LEGACY_NAMES)
            if like:
                yield Warning(f"{name} is read by nobody{like}", hint="Rename it.", id="trackside.W001")


def check_middleware(**_: Any) -> Iterator[CheckMessage]:
    """E002, W002."""
    middleware = list(settings.MIDDLEWARE)
    places = [place for place, path in enumerate(middleware) if _is_ours(path)]
    if not places:
        if read(settings)[0].tracker.enabled:
            yield Warning(
                "Events carry nothing of the request they are emitted in.",
                hint=f"Add {MIDDLEWARE!r} to MIDDLEWARE, after the session and authentication middleware.",
                id="trackside.W002",
            )
        return
    for needed in _BEFORE:
        if needed in middleware[places[0] :]:
            yield Error(
                f"{middleware[places[0]]} stands before {needed}; its events would have no session or user.",
                hint="Put it after.",
                id="trackside.E002",
            )


def check_async_backends(**_: Any) -> Iterator[CheckMessage]:
    """E003."""
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
    """E004."""
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
    """W003."""
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
    """W004."""
    if read(settings)[0].segment.write_key and not any(map(_is_installed, ("segment", "analytics"))):
        yield Warning(
            "A Segment write key is set, but Segment's library is not installed.",
            hint="Install it: pip install 'trackside[segment]'.",
            id="trackside.W004",
        )


def check_webhook(**_: Any) -> Iterator[CheckMessage]:
    """E005, W005, W006, W007, W008."""
    declared = read(settings)[0]
    webhook = declared.segment_webhook
    if webhook.dedup_cache and webhook.dedup_cache not in settings.CACHES:
        yield Error(
            f"segment_webhook.dedup_cache is {webhook.dedup_cache!r}, which is not in CACHES.",
            hint=f"Name one of {sorted(settings.CACHES)}, or none.",
            id="trackside.E005",
        )
    has_secret = bool(webhook.secrets or webhook.shared_secrets)
    if has_secret and declared.tracking.segmentio == "platform" and not _webhook_paths():
        yield Warning(
            "There is a secret for Segment's webhook, but no URL leads to it.",
            hint='Add path("", include("trackside.django.urls")) to the URLconf, in the place of another webhook.',
            id="trackside.W005",
        )
    table = getattr(settings, "TRACKSIDE", {})
    if not has_secret and isinstance(table, Mapping) and table.get("segment_webhook"):
        yield Warning(
            "segment_webhook has neither secret nor shared_secret: every request is answered 401.",
            hint="Set the secret that Segment sends as ?key=.",
            id="trackside.W006",
        )
    if has_secret and webhook.generation == "2014" and not getattr(settings, "TRACKING_BACKENDS", None):
        yield Warning(
            "Events of the webhook's generation 2014 go to TRACKING_BACKENDS, which is empty.",
            hint="Name a backend there, or take the generation current.",
            id="trackside.W007",
        )
    if webhook.trust_client_context:
        yield Warning(
            "segment_webhook.trust_client_context lets whoever has an app say an event's source, session, host and"
            " organisation.",
            hint="Switch it off, unless something reads those of clients.",
            id="trackside.W008",
        )


def check_webhook_key(**_: Any) -> Iterator[CheckMessage]:
    """W009."""
    declared = read(settings)[0]
    if not (declared.segment_webhook.secrets and declared.requests.emit):
        return
    if any(map(_is_ours, settings.MIDDLEWARE)):
        for path in _webhook_paths():
            if _is_plain(path) and not any(
                re.match(each, path) for each in declared.requests.ignore_url_patterns
            ):
                yield Warning(
                    f"Requests to {path} are events by themselves, and these show the webhook's key.",
                    hint="Add its path to requests.ignore_url_patterns (TRACKING_IGNORE_URL_PATTERNS).",
                    id="trackside.W009",
                )


def check_encryption(**_: Any) -> Iterator[CheckMessage]:
    """W010."""
    if not encryption.is_available():
        yield Warning(
            "Neither webhooks nor webfilters can be kept in the database: their secrets are encrypted with"
            " cryptography, which is not installed. Webfilters that were kept before fail by their policy, unasked.",
            hint=encryption.REMEDY,
            id="trackside.W010",
        )


ALL = (
    check_settings,
    check_middleware,
    check_async_backends,
    check_legacy_backends,
    check_loggers,
    check_segment,
    check_webhook,
    check_webhook_key,
    check_encryption,
    check_webfilters,
    check_transactions,
    check_client,
)


def _server_problems() -> list[str]:
    """Return what the verbs of the command line would say of the keys they read."""
    from trackside import hub  # puts everything together: not for whoever only imports this module

    try:
        hub.load_config(instead=as_file())
    except ConfigurationError as error:
        return str(error).splitlines()
    return []


def _webhook_paths() -> list[str]:
    """Return the paths of the webhook as the URLconf writes them; none where there is no URLconf to be read."""
    try:
        return list(_paths_to(inspect.unwrap(segmentio_event), get_resolver().url_patterns, "/"))
    except Exception:  # noqa: BLE001  # a URLconf may raise anything; Django's own checks tell what
        return []


def _paths_to(view: object, patterns: Iterable[Any], prefix: str) -> Iterator[str]:
    for each in patterns:
        path = prefix + str(each.pattern).removeprefix("^").removesuffix("$")
        if isinstance(each, URLResolver):
            yield from _paths_to(view, each.url_patterns, path)
        elif isinstance(each, URLPattern) and inspect.unwrap(each.callback) is view:
            yield path


def _is_plain(path: str) -> bool:
    return not re.search(r"[\\()\[\]?*+<>]", path)


def _is_ours(path: str) -> bool:
    """Return whether a middleware is ours, or derived from it."""
    try:
        kind = import_string(path)
    except ImportError:
        return False
    return isinstance(kind, type) and issubclass(kind, TrackMiddleware)


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
