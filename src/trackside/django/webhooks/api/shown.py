"""What goes out of the API; no secret is in it."""

from typing import Any

import msgspec

from trackside.destinations.webhook import Trial
from trackside.django.webhooks.listing import Listed
from trackside.log.subscription import DeadLetter


def of_webhook(listed: Listed) -> dict[str, Any]:
    """Return a webhook: its settings under their own names, what else is known of it beside them."""
    own = msgspec.to_builtins(listed)
    settings = own.pop("settings")
    standing = own.pop("standing")
    return {**own, **settings, "state": standing.pop("state"), "standing": standing}


def of_trial(trial: Trial) -> dict[str, Any]:
    """Return what came of a test event."""
    made: dict[str, Any] = msgspec.to_builtins(trial)
    return made


def of_dead_letter(letter: DeadLetter) -> dict[str, Any]:
    """Return a dead letter and the event in it, as receivers would see its name and id."""
    return {
        "position": letter.position,
        "attempts": letter.attempts,
        "died_at": letter.died_at,
        "reason": letter.reason,
        "event": {"id": letter.event.id, "name": letter.event.name, "timestamp": letter.event.timestamp},
    }
