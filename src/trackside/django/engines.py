"""Objects from settings: `{"ENGINE": "dotted.Class", "OPTIONS": {…}}`, nested at will."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

_LIBRARY = {
    "backends.async_routing.AsyncRoutingBackend": "trackside.backends.async_routing.AsyncRoutingBackend",
    "backends.event_bus.EventBusRoutingBackend": "trackside.backends.event_bus.EventBusRoutingBackend",
    "backends.logger.LoggerBackend": "trackside.backends.logger.LoggerBackend",
    "backends.mongodb.MongoBackend": "trackside.backends.mongodb.MongoBackend",
    "backends.routing.RoutingBackend": "trackside.routing.RoutingBackend",
    "backends.segment.SegmentBackend": "trackside.backends.segment.SegmentBackend",
    "processors.regex_filter.RegexFilter": "trackside.processors.regex_filter.RegexFilter",
    "processors.whitelist.NameWhitelistProcessor": "trackside.processors.whitelist.NameWhitelistProcessor",
}
_PLATFORM = {
    "backends.logger.LoggerBackend": "trackside.django.legacy_tracker.logger.LoggerBackend",
    "backends.mongodb.MongoBackend": "trackside.django.legacy_tracker.mongodb.MongoBackend",
    "shim.GoogleAnalyticsProcessor": "trackside.processors.google_analytics.GoogleAnalyticsProcessor",
    "shim.LegacyFieldMappingProcessor": "trackside.processors.legacy_fields.LegacyFieldMappingProcessor",
    "shim.PrefixedEventProcessor": "trackside.processors.prefixed.PrefixedEventProcessor",
}
ENGINES: Mapping[str, str] = {
    f"{package}.{name}": ours
    for package, names in (
        ("eventtracking", _LIBRARY),
        ("track", _PLATFORM),
        ("common.djangoapps.track", _PLATFORM),
    )
    for name, ours in names.items()
}
"""Names that settings of Open edX sites have → what does the same here."""


def engine(path: object) -> Any:
    """Return the class of a dotted path, ours where the path is one of `ENGINES`.

    Raises ValueError where there is none.
    """
    try:
        module, _, name = ENGINES.get(str(path), str(path)).rpartition(".")
        return getattr(import_module(module), name)
    except (ValueError, AttributeError, TypeError, ImportError) as error:
        raise ValueError(f"Cannot find class {path}") from error


def instantiate(node: Any) -> Any:
    """Return `node` with an object in the place of every dict that has an ENGINE, the innermost first.

    Dicts and lists are looked into, everything else stays as it is. Raises ValueError for an ENGINE that is no
    class, and whatever a class raises when it is called with its OPTIONS.
    """
    if isinstance(node, dict):
        if "ENGINE" in node:
            return _made(engine(node["ENGINE"]), node)
        return {key: instantiate(value) for key, value in node.items()}
    if isinstance(node, list):
        return [instantiate(each) for each in node]
    return node


def _made(kind: Any, node: Mapping[str, Any]) -> Any:
    options = instantiate(node.get("OPTIONS", {}))
    try:
        return kind(**options)
    except Exception as error:
        error.add_note(f"made of the OPTIONS of {node['ENGINE']}")
        raise


def backends_from(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return the backends of a tree by name. Raises ValueError where one cannot send."""
    backends: dict[str, Any] = instantiate(dict(tree))
    for name, backend in backends.items():
        if not callable(getattr(backend, "send", None)):
            raise ValueError(f'Backend {name} does not have a callable "send" method.')  # noqa: TRY004  # documented so
    return backends


def processors_from(tree: Any) -> list[Any]:
    """Return the processors of a list, in order. Raises ValueError where one cannot be called."""
    processors: list[Any] = instantiate(list(tree))
    for processor in processors:
        if not callable(processor):
            raise ValueError(f"Processor {processor} is not callable.")  # noqa: TRY004
    return processors
