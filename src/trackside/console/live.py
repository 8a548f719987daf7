"""What the running server shows on its pages; the server puts it here when it starts."""

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from trackside.attempts.base import AttemptStore
from trackside.log.base import Log


class Live(Struct, frozen=True, kw_only=True):
    """The parts of a running server that the pages read."""

    log: Log
    destinations: tuple[str, ...]
    """Names of the configured destinations, in the file's order."""
    login_file: Path
    """Holds the digest of the login link that may still be used."""
    curl: str
    """A command that sends a first event to this server."""
    attempts: Callable[[], AttemptStore | None] = lambda: None
    """Returns what is kept of the attempts of webhooks, where anything is."""


class NotLive(RuntimeError):  # noqa: N818
    """The pages were asked for outside a running server."""


_live: Live | None = None


def show(live: Live) -> None:
    """Make `live` what the pages show from now on."""
    global _live  # noqa: PLW0603  # views have no other way to be handed something
    _live = live


def current() -> Live:
    """Return what the pages show; raises NotLive where no server set it."""
    if _live is None:
        raise NotLive("the console runs inside `trackside serve`")
    return _live
