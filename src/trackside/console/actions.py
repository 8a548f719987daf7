"""What an operator does to a destination on its page."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from trackside.log.base import Log
from trackside.log.subscription import Subscription

Positions = Sequence[int] | None
"""None: all."""


def pause(subscription: Subscription, _: Positions) -> str:
    """Let the destination rest; return what is told."""
    subscription.pause(True)
    return "It is paused: nothing is sent, and everything is kept."


def resume(subscription: Subscription, _: Positions) -> str:
    """Let the destination go on."""
    subscription.pause(False)
    return "It goes on within a second."


def retry(subscription: Subscription, positions: Positions) -> str:
    """Try dead letters again."""
    count = subscription.retry_dead(positions, now=datetime.now(UTC))
    return f"{_counted(count)} tried again, with all attempts."


def discard(subscription: Subscription, positions: Positions) -> str:
    """Give dead letters up."""
    count = subscription.discard_dead(positions)
    return f"{_counted(count)} given up; in the log they stay."


def resend(subscription: Subscription, positions: Positions) -> str:
    """Send events again that are in the log."""
    for position in positions or ():
        subscription.request_replay(position, position)
    return f"{_counted(len(positions or ()))} sent again, under the same id."


ACTIONS: Mapping[str, Callable[[Subscription, Positions], str]] = {
    each.__name__: each for each in (pause, resume, retry, discard, resend)
}


def act(log: Log, name: str, action: str, positions: Positions) -> str | None:
    """Do it; return what is told, or None where there is no such destination or action. Raises StorageError."""
    if action not in ACTIONS or name not in log.subscriptions():
        return None
    return ACTIONS[action](log.subscription(name), positions)


def _counted(count: int) -> str:
    return "1 event is" if count == 1 else f"{count:,} events are"
