"""What is wrong with parts that are each right by themselves."""

import re
from collections.abc import Iterator
from pathlib import Path

from trackside.config.settings import Config
from trackside.destinations.connecting import url_problems
from trackside.destinations.endpoint import EndpointSettings
from trackside.destinations.files import FilesSettings, missing_library
from trackside.destinations.segment import SegmentSettings
from trackside.destinations.sql import SqlSettings, identity
from trackside.destinations.sql import problems as sql_problems
from trackside.destinations.tracking_log import TrackingLogSettings
from trackside.destinations.webhook import WebhookSettings
from trackside.destinations.webhook import problems as webhook_problems
from trackside.errors import ConfigurationError
from trackside.hub.addresses import address_policy, webhook_policy
from trackside.outbound.proxy import parse_proxy
from trackside.sources.segment_api import SegmentApiSettings
from trackside.sources.segment_webhook import SegmentWebhookSettings

_OWN_FILES = (
    "log.db",
    "delivery.db",
    "delivery.lock",
    "site.db",
    "site.lock",
    "users.db",
    "secret_key",
    "trackside.toml",
)
"""What the names of the server's own files in the data directory begin with."""
_PATH = re.compile(r"/[^\s?#%\x00-\x20\x7f]*")
_OWN_PATHS = frozenset(
    {
        *("", "v1", "beacon", "pixel", "sourceConfig"),
        *("healthz", "readyz", "metrics"),
        *("admin", "api", "login", "static"),
    }
)
"""First parts of the paths that the server answers by itself: Segment's API, machines, people."""


def problems_between(config: Config) -> Iterator[str]:
    """Return one line for each setting that another part, or the server itself, stands in the way of."""
    yield from _wrong_keys(config)
    yield from _open_doors(config)
    yield from _wrong_paths(config)
    yield from _shared_files(config)
    yield from _shared_tables(config)
    yield from _wrong_hosts(config)
    try:
        webhook_policy(config)
    except ConfigurationError as error:
        yield f"webhooks.allow: {error}"
    try:
        if config.webhooks.proxy:
            parse_proxy(config.webhooks.proxy)
    except ConfigurationError as error:
        yield f"webhooks.proxy: {error}"
    for name, settings in config.destinations.items():
        match settings:
            case WebhookSettings():
                found = webhook_problems(settings)
            case EndpointSettings():
                found = url_problems(settings)
            case _:
                continue
        yield from (f"destinations.{name}.{problem}" for problem in found)


def _wrong_keys(config: Config) -> Iterator[str]:
    """Tell of sources without a write key, and of keys that would not say whose event it is."""
    sources: dict[str, str] = {}
    for name, settings in config.sources.items():
        if not isinstance(settings, SegmentApiSettings):
            continue
        if not settings.write_keys:
            yield f"sources.{name}.write_key is empty; want a text of your choice, which clients send"
        for key in settings.write_keys:
            first = sources.setdefault(key, name)
            if first != name:
                yield f"sources.{name}.write_key is also that of sources.{first}; give each source a key of its own"


def _open_doors(config: Config) -> Iterator[str]:
    """Tell of webhooks that anybody, or nobody, could post to."""
    for name, settings in config.sources.items():
        if isinstance(settings, SegmentWebhookSettings) and not (settings.secrets or settings.shared_secrets):
            yield f"sources.{name}.secret is empty; want a text of your choice, which Segment sends as ?key="


def _wrong_paths(config: Config) -> Iterator[str]:
    """Tell of sources whose path is no path, is one of the server's own, or is also another source's."""
    sources: dict[str, str] = {}
    for name, settings in config.sources.items():
        path = getattr(settings, "path", None)
        if path is None:
            continue
        if not _PATH.fullmatch(path):
            yield f"sources.{name}.path is {path!r}; want one like /event, as a URL has it after the host"
        elif path.split("/")[1] in _OWN_PATHS:
            yield f"sources.{name}.path is {path!r}, which the server answers itself; want another path"
        first = sources.setdefault(path.removesuffix("/"), name)
        if first != name:
            yield f"sources.{name}.path is also that of sources.{first}; give each source a path of its own"


def _shared_files(config: Config) -> Iterator[str]:
    """Tell of destinations that would write into each other's file or folder, or into one of the server's own."""
    data_dir = Path(config.data_dir).resolve()
    places: dict[Path, str] = {}
    for name, settings in config.destinations.items():
        if not isinstance(settings, TrackingLogSettings | FilesSettings) or not settings.enabled:
            continue
        kind = "folder" if isinstance(settings, FilesSettings) else "file"
        try:
            place = (data_dir / settings.path).resolve()
        except (OSError, ValueError) as error:  # a NUL, links that lead in circles
            yield f"destinations.{name}.path is {settings.path!r}: {error}; want the path of a {kind}"
            continue
        first = places.setdefault(place, name)
        if first != name:
            yield f"destinations.{name}.path is also that of destinations.{first}; give each a {kind} of its own"
        if place.parent == data_dir and place.name.startswith(_OWN_FILES):
            yield f"destinations.{name}.path is {settings.path!r}, a file of the server's own; want another name"
        if kind == "folder" and place == data_dir:
            yield f"destinations.{name}.path is the data directory itself; want a folder within it, as events"
        if isinstance(settings, FilesSettings) and (reason := missing_library(settings)):
            yield f"destinations.{name}.{reason}"


def _shared_tables(config: Config) -> Iterator[str]:
    """Tell of destinations that write into one table, and of databases that cannot be asked."""
    data_dir = Path(config.data_dir).resolve()
    tables: dict[tuple[str, ...], str] = {}
    for name, settings in config.destinations.items():
        if not isinstance(settings, SqlSettings) or not settings.enabled:
            continue
        found = list(sql_problems(settings, data_dir))
        yield from (f"destinations.{name}.{problem}" for problem in found)
        if found:
            continue
        place = identity(settings, data_dir)
        first = tables.setdefault(place, name)
        if first != name:
            yield f"destinations.{name}.table is also that of destinations.{first}; give each a table of its own"
        file = Path(place[1])
        if place[0] == "sqlite" and file.parent == data_dir and file.name.startswith(_OWN_FILES):
            yield f"destinations.{name}.url leads to a file of the server's own; want another name"


def _wrong_hosts(config: Config) -> Iterator[str]:
    """Tell of destinations without a key, and of hosts that the client would not ask."""
    for name, settings in config.destinations.items():
        if not isinstance(settings, SegmentSettings) or not settings.enabled:
            continue
        part = f"destinations.{name}"
        if not settings.write_key:
            yield f"{part}.write_key is empty; want that of the source in Segment that the events are for"
        try:
            if settings.proxy:
                parse_proxy(settings.proxy)
        except ConfigurationError as error:
            yield f"{part}.proxy: {error}"
        try:
            reason = address_policy(settings).why_not_url(settings.host)
        except ConfigurationError as error:
            yield f"{part}.allow: {error}"
            continue
        if reason is not None:
            yield (
                f"{part}.host is {settings.host!r}, and {reason}; want a public URL such as https://api.segment.io,"
                " or set allow_private_networks or allow"
            )
