"""The log, and what brings events into it and out of it."""

from functools import partial
from pathlib import Path

from trackside.attempts.base import Attempts
from trackside.attempts.sqlite import FILE, SQLiteAttempts
from trackside.config.settings import Config
from trackside.delivery.declarations import Declarations
from trackside.delivery.engine import DeliveryEngine
from trackside.errors import ConfigurationError, TracksideError
from trackside.hub.destinations import build_destination
from trackside.hub.notices import append_disabled
from trackside.log.base import Log
from trackside.log.memory import MemoryLog
from trackside.log.sqlite import SQLiteLog
from trackside.outbound.shared import SharedClients
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


def open_attempts(config: Config) -> Attempts | None:
    """Return where attempts of webhooks are kept, opened; None where none are wanted.

    Raises StorageError where they cannot be kept.
    """
    if not config.attempts.keep_s or config.log.engine != "sqlite":
        return None
    return SQLiteAttempts(Path(config.data_dir), config.attempts)


def kept_attempts(config: Config) -> Attempts | None:
    """Return the attempts that this data directory holds, to be read; None where it holds none."""
    folder = Path(config.data_dir)
    return SQLiteAttempts(folder, config.attempts) if (folder / FILE).exists() else None


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


def build_delivery(
    config: Config,
    log: Log,
    declarations: Declarations | None = None,
    *,
    attempts: Attempts | None = None,
) -> DeliveryEngine:
    """Return the engine that delivers to every destination that is enabled, those of `declarations` included.

    What webhooks send and are answered is kept in `attempts`.
    """
    build = partial(build_destination, config=config, clients=SharedClients(), attempts=attempts)
    destinations = {name: (build(name, settings), settings) for name, settings in config.destinations.items()}
    return DeliveryEngine(
        log,
        destinations,
        Path(config.data_dir) / "delivery.lock",
        tell_disabled=partial(append_disabled, log),
        declarations=declarations,
        build=build,
    )
