"""Every public signal of the installed openedx-events, also those that are defined later; none is known by name."""

import functools
import logging
from collections.abc import Callable, Iterable
from typing import Any

try:
    from openedx_events import tooling
except ImportError:
    tooling = None

logger = logging.getLogger("trackside.openedx")

DISPATCH_UID = "trackside.openedx"

Receive = Callable[..., None]
Wants = Callable[[str], bool]

_subscribed: tuple[Receive, Wants] | None = None


def subscribe(receive: Receive, wants: Wants) -> int:
    """Tell `receive` of every signal whose type `wants` says yes to, and return how many there are now.

    0 where openedx-events is not installed.
    """
    global _subscribed  # noqa: PLW0603  # a process has one registry of signals
    if tooling is None:
        return 0
    _subscribed = (receive, wants)
    _watch_definitions()
    return sum(_connect(signal) for signal in public_signals())


def unsubscribe() -> None:
    """Tell nobody any more."""
    global _subscribed  # noqa: PLW0603
    _subscribed = None
    if tooling is not None:
        for signal in list(tooling.OpenEdxPublicSignal.all_events()):
            signal.disconnect(dispatch_uid=DISPATCH_UID)


def is_available() -> bool:
    """Return whether openedx-events is installed."""
    return tooling is not None


def public_signals() -> Iterable[Any]:
    """Return the signals there are; a module of theirs that cannot be imported costs its own only."""
    if tooling is None:
        return []
    try:
        tooling.load_all_signals()
    except Exception as error:  # noqa: BLE001  # a release's own fault must not keep the platform from starting
        logger.error("Not all signals could be loaded", extra={"error": type(error).__name__})
    return list(tooling.OpenEdxPublicSignal.all_events())


def _connect(signal: Any) -> bool:
    if _subscribed is None or not _subscribed[1](signal.event_type):
        return False
    signal.connect(_subscribed[0], dispatch_uid=DISPATCH_UID, weak=False)
    return True


def _watch_definitions() -> None:
    """Connect what is defined from now on: an app of the platform may define signals of its own at any time."""
    kind = tooling.OpenEdxPublicSignal
    defined = kind.__init__
    if getattr(defined, "trackside_watches", False):
        return

    @functools.wraps(defined)
    def define(self: Any, *args: Any, **kwargs: Any) -> None:
        defined(self, *args, **kwargs)
        try:
            _connect(self)
        except Exception as error:  # noqa: BLE001  # the border: the signal is there, whatever we make of it
            logger.error("A signal cannot be followed", extra={"error": type(error).__name__})

    define.trackside_watches = True  # type: ignore[attr-defined]  # functions may have attributes
    kind.__init__ = define
