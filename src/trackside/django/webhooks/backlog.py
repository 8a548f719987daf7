"""What a webhook's subscription keeps in the log: whether it is paused, and what died."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from trackside.django.webhooks import surroundings
from trackside.django.webhooks.listing import webhook
from trackside.django.webhooks.refusals import NotReachable, NotTheCase
from trackside.errors import StorageError
from trackside.log.subscription import DeadLetter, Subscription


def pause(name: str, *, paused: bool) -> None:
    """Let a webhook rest, or go on where it stopped. Raises NoSuchWebhook, NotTheCase, NotReachable."""
    with _subscription(name) as subscription:
        subscription.pause(paused)


def dead_letters(name: str, *, limit: int, after: int) -> list[DeadLetter]:
    """Return what the webhook did not take, with positions greater than `after`, in order."""
    with _subscription(name) as subscription:
        return subscription.dead_letters(limit=limit, after=after)


def retry_dead(name: str, positions: Sequence[int] | None) -> int:
    """Try dead letters again, all of them with None; return how many."""
    with _subscription(name) as subscription:
        return subscription.retry_dead(positions, now=datetime.now(UTC))


@contextmanager
def _subscription(name: str) -> Iterator[Subscription]:
    webhook(name)
    try:
        with surroundings.opened_log() as log:
            if log is None:
                raise NotReachable("the log cannot be reached from here; ask the server that delivers")
            if name not in log.subscriptions():
                raise NotTheCase(f"{name} has not been started yet: the server that delivers does that")
            yield log.subscription(name)
    except StorageError as error:
        raise NotReachable(str(error)) from error
