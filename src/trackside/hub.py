"""The composition root: the one module that names the parts of every stage and puts them together."""

import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from trackside.config.load import Loaded, load
from trackside.config.settings import Config
from trackside.config.toml_file import TomlFile
from trackside.delivery.engine import DeliveryEngine
from trackside.destinations.base import Destination, DestinationSettings
from trackside.destinations.tracking_log import TrackingLog, TrackingLogSettings
from trackside.errors import ConfigurationError, TracksideError
from trackside.log.base import Log
from trackside.log.memory import MemoryLog
from trackside.log.sqlite import SQLiteLog
from trackside.pipeline.accept import Pipeline
from trackside.sources.base import Source
from trackside.sources.client_clock import AppRtc, AppRtcSettings
from trackside.sources.segment_api import SegmentApi, SegmentApiSettings
from trackside.sources.segment_webhook import SegmentWebhook, SegmentWebhookSettings
from trackside.sources.several import Sources
from trackside.users import file as users_file
from trackside.users.anybody import Anybody
from trackside.users.base import Directory
from trackside.users.table import UserTable

SOURCE_KINDS: dict[str, type[Struct]] = {
    "apprtc": AppRtcSettings,
    "segment": SegmentApiSettings,
    "segment_webhook": SegmentWebhookSettings,
}
DESTINATION_KINDS: dict[str, type[DestinationSettings]] = {"tracking_log": TrackingLogSettings}

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
    {"", "v1", "beacon", "pixel", "sourceConfig", "healthz", "readyz", "metrics", "admin", "login", "static"}
)
"""First parts of the paths that the server answers by itself: Segment's API, machines, people."""


def version() -> str:
    """Return the version of Trackside that runs."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("trackside")
    except PackageNotFoundError:  # run from a folder that was never installed
        return "unknown"


def load_config(
    path: Path | None = None,
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    instead: TomlFile | None = None,
) -> Loaded:
    """Return the validated configuration; raises ConfigurationError naming all that is wrong with it.

    `instead` takes the place of the file where no `path` is given.
    """
    loaded = load(
        path,
        os.environ if environ is None else environ,
        flags or {},
        source_kinds=SOURCE_KINDS,
        destination_kinds=DESTINATION_KINDS,
        instead=instead,
    )
    config = loaded.config
    problems = [*_wrong_keys(config), *_open_doors(config), *_wrong_paths(config), *_shared_files(config)]
    if problems:
        raise ConfigurationError("\n".join(problems))
    return loaded


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
    """Tell of destinations that would write into each other's file, or into one of the server's own."""
    data_dir = Path(config.data_dir).resolve()
    files: dict[Path, str] = {}
    for name, settings in config.destinations.items():
        if not isinstance(settings, TrackingLogSettings) or not settings.enabled:
            continue
        try:
            file = (data_dir / settings.path).resolve()
        except (OSError, ValueError) as error:  # a NUL, links that lead in circles
            yield f"destinations.{name}.path is {settings.path!r}: {error}; want the path of a file"
            continue
        first = files.setdefault(file, name)
        if first != name:
            yield f"destinations.{name}.path is also that of destinations.{first}; give each a file of its own"
        if file.parent == data_dir and file.name.startswith(_OWN_FILES):
            yield f"destinations.{name}.path is {settings.path!r}, a file of the server's own; want another name"


def open_log(config: Config) -> Log:
    """Return the log of this data directory, opened; raises StorageError where it cannot be used."""
    match config.log.engine:
        case "sqlite":
            return SQLiteLog(Path(config.data_dir), config.log)
        case "memory":
            return MemoryLog(config.log)
        case other:
            raise ConfigurationError(f"log.engine is {other!r}; want sqlite or memory")


def log_problem(log: Log) -> str | None:
    """Return why events cannot be read from the log now, or None where they can."""
    try:
        log.bounds()
    except TracksideError as error:
        return str(error)
    return None


def build_sources(config: Config, *, django_users: Directory | None = None) -> Source:
    """Return one source for all that are configured; what is of no source's path the Segment API answers.

    `django_users` are those of a source with `users = "django"`.
    """
    others = [_source(name, settings, config, django_users) for name, settings in config.sources.items()]
    return Sources([*filter(None, others), _segment_api(config)])


def _source(name: str, settings: Struct, config: Config, django_users: Directory | None) -> Source | None:
    """Return the source `name`, which has a path of its own, or None where it is one of the Segment API's."""
    match settings:
        case AppRtcSettings():
            return AppRtc(name, settings, limits=config.limits)
        case SegmentWebhookSettings():
            users = directory_for(settings.users, config, django_users)
            return SegmentWebhook(name, settings, users, limits=config.limits)
        case _:
            return None


def _segment_api(config: Config) -> SegmentApi:
    """Return the source behind the paths of Segment's HTTP API, for all write keys configured."""
    keys = {
        key: name
        for name, settings in config.sources.items()
        if isinstance(settings, SegmentApiSettings)
        for key in settings.write_keys
    }
    forwarders = frozenset(
        name
        for name, settings in config.sources.items()
        if isinstance(settings, SegmentApiSettings) and settings.forwarder
    )
    return SegmentApi(keys, limits=config.limits, public_url=config.public_url, forwarders=forwarders)


def directory_for(kind: str, config: Config, django_users: Directory | None) -> Directory:
    """Return who knows the users of a source with `users = KIND`. Raises ConfigurationError."""
    match kind:
        case "any":
            return Anybody()
        case "table":
            return _user_table(Path(config.data_dir).resolve() / users_file.FILE_NAME)
        case "django":
            if django_users is None:
                raise ConfigurationError(
                    'users is "django", and there is no Django project; want table or any'
                )
            return django_users
        case other:
            raise ConfigurationError(f"users is {other!r}; want django, table or any")


@lru_cache(maxsize=8)
def _user_table(path: Path) -> UserTable:
    """Return the table of a file: one for all sources, so that each user is looked up once."""
    return UserTable(path)


def build_pipeline(config: Config, log: Log) -> Pipeline:  # noqa: ARG001  # processors will come from it
    """Return what brings decoded events into the log."""
    return Pipeline(log)


def build_destination(name: str, settings: DestinationSettings, config: Config) -> Destination:
    """Return the destination `name`, not opened."""
    match settings:
        case TrackingLogSettings():
            return TrackingLog(Path(config.data_dir) / settings.path, settings)
        case _:
            raise ConfigurationError(f"destinations.{name} is of no kind this version knows")


def build_delivery(config: Config, log: Log) -> DeliveryEngine:
    """Return the engine that delivers to every destination that is enabled."""
    destinations = {
        name: (build_destination(name, settings, config), settings)
        for name, settings in config.destinations.items()
    }
    return DeliveryEngine(log, destinations, Path(config.data_dir) / "delivery.lock")


def example_curl(config: Config, address: str) -> str:
    """Return a command that sends a first event to `address`, or "" where no source takes one."""
    key = next(iter(_segment_api(config).write_keys), None)
    if key is None:
        return ""
    event = json.dumps({"userId": "7", "event": "Hello", "properties": {"from": "curl"}})
    return f"curl -u {shlex.quote(key + ':')} {address}/v1/track -d {shlex.quote(event)}"
