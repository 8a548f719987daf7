"""The start: subscribes with what the settings say."""

from trackside.django.settings import current
from trackside.openedx.signals.receiver import SignalReceiver
from trackside.openedx.signals.subscription import subscribe, unsubscribe
from trackside.openedx.tracker import register_signal_tracker


def follow_signals() -> None:
    """Make events of all signals that the settings want, those too that are defined later.

    Raises ImproperlyConfigured where the settings are wrong.
    """
    unsubscribe()
    declared = current()
    if not declared.tracker.enabled:
        return
    receiver = SignalReceiver(declared.signals, register_signal_tracker())
    subscribe(receiver.receive, receiver.wants)


def unfollow_signals() -> None:
    """Make no more events of signals."""
    unsubscribe()
