"""The start: subscribes with what the settings say."""

from collections.abc import Callable
from typing import Any

from trackside.django.acting_user import name_acting_user
from trackside.django.settings import current
from trackside.openedx.signals.receiver import SignalReceiver
from trackside.openedx.signals.subscription import subscribe, unsubscribe
from trackside.openedx.tracker import register_signal_tracker
from trackside.openedx.tracking import SIGNAL

_receiver: SignalReceiver | None = None


def follow_signals() -> None:
    """Make events of all signals that the settings want, those too that are defined later.

    Raises ImproperlyConfigured where the settings are wrong.
    """
    global _receiver  # noqa: PLW0603  # a process has one registry of signals
    unfollow_signals()
    declared = current()
    if declared.tracker.enabled:
        _receiver = SignalReceiver(declared.signals, register_signal_tracker())
        subscribe(
            receive_signal, _wants_but(SIGNAL, _receiver) if declared.tracking.backend else _receiver.wants
        )


def _wants_but(told_already: str, receiver: SignalReceiver) -> Callable[[str], bool]:
    return lambda event_type: event_type != told_already and receiver.wants(event_type)


def unfollow_signals() -> None:
    """Make no more events of signals."""
    global _receiver  # noqa: PLW0603
    unsubscribe()
    _receiver = None


# A function, because openedx-events formats each receiver's repr for each signal it sends, whatever level it logs at:
# of a method the repr fits in no line, and takes longer than all that we do.
def receive_signal(
    signal: Any = None,
    sender: object = None,  # noqa: ARG001  # Django says it
    metadata: Any = None,
    from_event_bus: object = False,
    **data: Any,
) -> None:
    """Take a signal. Never raises."""
    if _receiver is not None:
        name_acting_user()  # an account that uses the API: loops are cut by its name
        _receiver.receive(signal, metadata, data, bus=bool(from_event_bus))
