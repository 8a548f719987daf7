"""The configuration and the log around the rows: those of the running server, or of the Django project's settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from trackside.config.settings import Config
from trackside.destinations.webhook import WebhookSettings
from trackside.errors import TracksideError
from trackside.log.base import Log


class Surroundings(Struct, frozen=True, kw_only=True):
    """What the process that runs the Django project has beside it."""

    config: Config
    log: Log | None = None
    """The log where the process has it open, as the server does."""

    def declared(self) -> dict[str, WebhookSettings]:
        """Return the webhooks that the configuration file declares, by name."""
        found = self.config.destinations.items()
        return {name: each for name, each in found if isinstance(each, WebhookSettings)}


_shown: Surroundings | None = None
_read: Surroundings | None = None


def show(surroundings: Surroundings | None) -> None:
    """Make these the surroundings of this process; None: what the Django settings say."""
    global _shown  # noqa: PLW0603  # models and views have no other way to be handed something
    _shown = surroundings


def current() -> Surroundings:
    """Return what is around the rows. Raises ConfigurationError where the settings cannot be used."""
    global _read  # noqa: PLW0603  # each row that is read asks for it; the settings are read once
    if _shown is not None:
        return _shown
    if _read is None:
        from trackside import hub  # puts everything together: not for whoever only imports the models
        from trackside.django.verbs import as_file

        _read = Surroundings(config=hub.load_config(instead=as_file()).config)
    return _read


def reset(*, setting: str = "TRACKSIDE", **_: object) -> None:
    """Forget what was read; a receiver of Django's `setting_changed`."""
    global _read  # noqa: PLW0603
    if setting == "TRACKSIDE":
        _read = None


@contextmanager
def opened_log() -> Iterator[Log | None]:
    """Give the log, or None where there is none to be reached; what was opened for this is closed afterwards."""
    around = current()
    if around.log is not None:
        yield around.log
        return
    log = _opened(around.config)
    try:
        yield log
    finally:
        if log is not None:
            log.close()


def _opened(config: Config) -> Log | None:
    folder = Path(config.data_dir)
    if config.log.engine != "sqlite" or not (folder / "log.db").exists():
        return None
    if (folder / "forward.lock").exists() and not (folder / "delivery.lock").exists():
        return (
            None  # a host's own log, from which its events are brought to a server: the webhooks stand there
        )
    from trackside import hub

    try:
        return hub.open_log(config)
    except TracksideError:
        return None
