"""The destinations: of each kind one, with what it shares with others."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from trackside.attempts.base import Attempts
from trackside.config.settings import Config
from trackside.destinations.base import Destination, DestinationSettings
from trackside.destinations.connecting import Connect, connector, policy_of
from trackside.destinations.endpoint import EndpointSettings
from trackside.destinations.files import Files, FilesSettings
from trackside.destinations.http import Http, HttpSettings
from trackside.destinations.segment import Segment, SegmentSettings
from trackside.destinations.sql import Sql, SqlSettings, engine_for
from trackside.destinations.tracking_log import TrackingLog, TrackingLogSettings
from trackside.destinations.webhook import Webhook, WebhookSettings
from trackside.errors import ConfigurationError
from trackside.hub.addresses import address_policy
from trackside.hub.version import version
from trackside.outbound.base import Client
from trackside.outbound.proxy import parse_proxy
from trackside.outbound.shared import SharedClients


def build_destination(
    name: str,
    settings: DestinationSettings,
    config: Config,
    *,
    clients: SharedClients | None = None,
    attempts: Attempts | None = None,
) -> Destination:
    """Return the destination `name`, not opened. Raises ConfigurationError.

    Those that send the same way share their connections in `clients`; what webhooks send is kept in `attempts`.
    """
    try:
        return _made(name, settings, Path(config.data_dir), clients or SharedClients(), attempts)
    except ConfigurationError as error:
        raise ConfigurationError(f"destinations.{name}: {error}") from error


def _made(
    name: str,
    settings: DestinationSettings,
    data_dir: Path,
    clients: SharedClients,
    attempts: Attempts | None,
) -> Destination:
    user_agent = f"Trackside/{version()}"
    match settings:
        case FilesSettings():
            return Files(data_dir.absolute() / settings.path, settings)
        case HttpSettings():
            connect = _connect(settings, data_dir, clients)
            return Http(settings, connect, why_not=policy_of(settings).why_not_url, user_agent=user_agent)
        case SegmentSettings():
            return Segment(settings, _segment_client(settings, clients))
        case SqlSettings():
            return Sql(settings, partial(engine_for, settings, data_dir))
        case TrackingLogSettings():
            return TrackingLog(data_dir / settings.path, settings)
        case WebhookSettings():
            return Webhook(
                settings,
                _connect(settings, data_dir, clients),
                why_not=policy_of(settings).why_not_url,
                user_agent=user_agent,
                recorder=None if attempts is None else attempts.recorder(name),
            )
        case _:
            raise ConfigurationError("it is of no kind this version knows")


def _connect(settings: EndpointSettings, data_dir: Path, clients: SharedClients) -> Connect:
    return connector(settings, data_dir, user_agent=f"Trackside/{version()}", open_client=clients.acquire)


def _segment_client(settings: SegmentSettings, clients: SharedClients) -> Callable[[], Client]:
    if settings.proxy:
        parse_proxy(settings.proxy)
    policy = address_policy(settings)
    return partial(clients.acquire, policy=policy, proxy=settings.proxy, user_agent=f"Trackside/{version()}")
