"""The sources, and who knows their users."""

import json
import shlex
from functools import lru_cache
from pathlib import Path

from msgspec import Struct

from trackside.config.settings import Config
from trackside.errors import ConfigurationError
from trackside.sources.base import Source
from trackside.sources.browser import Browser, BrowserSettings
from trackside.sources.client_clock import AppRtc, AppRtcSettings
from trackside.sources.segment_api import SegmentApi, SegmentApiSettings
from trackside.sources.segment_webhook import SegmentWebhook, SegmentWebhookSettings
from trackside.sources.several import Sources
from trackside.users import file as users_file
from trackside.users.anybody import Anybody
from trackside.users.base import Directory
from trackside.users.table import UserTable


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
        case BrowserSettings():
            users = directory_for(settings.users, config, django_users)
            return Browser(
                name, settings, limits=config.limits, directory=users, public_url=config.public_url
            )
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


def example_curl(config: Config, address: str) -> str:
    """Return a command that sends a first event to `address`, or "" where no source takes one.

    The key of a forwarder is none to show: what comes with it is believed.
    """
    sources = [each for each in config.sources.values() if isinstance(each, SegmentApiSettings)]
    key = next((key for each in sources if not each.forwarder for key in each.write_keys), None)
    if key is None:
        return ""
    event = json.dumps({"userId": "7", "event": "Hello", "properties": {"from": "curl"}})
    return f"curl -u {shlex.quote(key + ':')} {address}/v1/track -d {shlex.quote(event)}"
