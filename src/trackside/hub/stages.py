"""The log, and what brings events into it and out of it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from trackside.config.settings import Config
from trackside.delivery.declarations import Declarations
from trackside.delivery.engine import DeliveryEngine
from trackside.destinations.base import Destination, DestinationSettings
from trackside.destinations.segment import Segment, SegmentSettings
from trackside.destinations.tracking_log import TrackingLog, TrackingLogSettings
from trackside.destinations.webhook import Webhook, WebhookSettings, connector, policy_of
from trackside.errors import ConfigurationError, TracksideError
from trackside.hub.addresses import address_policy
from trackside.hub.version import version
from trackside.log.base import Log
from trackside.log.memory import MemoryLog
from trackside.log.sqlite import SQLiteLog
from trackside.outbound.base import Client
from trackside.outbound.opening import open_client
from trackside.outbound.policy import AddressPolicy
from trackside.pipeline.accept import Pipeline


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


def build_pipeline(config: Config, log: Log) -> Pipeline:  # noqa: ARG001  # processors will come from it
    """Return what brings decoded events into the log."""
    return Pipeline(log)


def build_destination(name: str, settings: DestinationSettings, config: Config) -> Destination:
    """Return the destination `name`, not opened."""
    match settings:
        case SegmentSettings():
            return Segment(settings, client_maker(address_policy(settings)))
        case TrackingLogSettings():
            return TrackingLog(Path(config.data_dir) / settings.path, settings)
        case WebhookSettings():
            return _webhook(name, settings, Path(config.data_dir))
        case _:
            raise ConfigurationError(f"destinations.{name} is of no kind this version knows")


def _webhook(name: str, settings: WebhookSettings, data_dir: Path) -> Webhook:
    user_agent = f"Trackside/{version()}"
    try:
        return Webhook(
            settings,
            connector(settings, data_dir, user_agent=user_agent),
            why_not=policy_of(settings).why_not_url,
            user_agent=user_agent,
        )
    except ConfigurationError as error:
        raise ConfigurationError(f"destinations.{name}: {error}") from error


def client_maker(policy: AddressPolicy) -> Callable[[], Client]:
    """Return what makes clients that reach nobody the policy forbids."""
    return partial(open_client, policy=policy, user_agent=f"Trackside/{version()}")


def build_delivery(config: Config, log: Log, declarations: Declarations | None = None) -> DeliveryEngine:
    """Return the engine that delivers to every destination that is enabled, those of `declarations` included."""
    destinations = {
        name: (build_destination(name, settings, config), settings)
        for name, settings in config.destinations.items()
    }
    return DeliveryEngine(
        log,
        destinations,
        Path(config.data_dir) / "delivery.lock",
        declarations=declarations,
        build=lambda name, settings: build_destination(name, settings, config),
    )
