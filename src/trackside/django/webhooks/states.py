"""How webhooks stand in the log."""

from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from trackside.delivery.lock import is_held
from trackside.django.webhooks.surroundings import current, opened_log
from trackside.errors import TracksideError
from trackside.log.subscription import SubscriptionState


class Standing(Struct, frozen=True, kw_only=True):
    """How one webhook stands; the numbers are None where nothing is known of it."""

    state: str
    """running, waiting, paused, stopped (nobody delivers), new (not begun), disabled, or unknown (no log here)."""
    pending: int | None = None
    retrying: int | None = None
    dead: int | None = None
    delivered: int | None = None
    last_error: str | None = None
    last_delivered_at: datetime | None = None


UNKNOWN = Standing(state="unknown")
"""There is no log that can be reached from here."""


def standings(active: Mapping[str, bool]) -> dict[str, Standing]:
    """Return how each webhook stands: name → whether it is active."""
    try:
        with opened_log() as log:
            if log is None:
                return {name: _without_log(is_active) for name, is_active in active.items()}
            known: Collection[str] = set(log.subscriptions())
            last = log.bounds().last
            states = {name: log.subscription(name).state() for name in active if name in known}
    except TracksideError:
        return {name: _without_log(is_active) for name, is_active in active.items()}
    served = is_held(Path(current().config.data_dir) / "delivery.lock")
    return {
        name: _standing(states.get(name), last, is_active=is_active, served=served)
        for name, is_active in active.items()
    }


def _standing(state: SubscriptionState | None, last: int, *, is_active: bool, served: bool) -> Standing:
    if state is None:
        return Standing(state="new" if is_active else "disabled")
    if not is_active:
        word = "disabled"
    elif state.paused:
        word = "paused"
    elif not served:
        word = "stopped"
    else:
        word = "waiting" if state.failing_since else "running"
    return Standing(
        state=word,
        pending=max(0, last - state.position),
        retrying=state.retrying,
        dead=state.dead,
        delivered=state.delivered,
        last_error=state.last_error if state.failing_since else None,
        last_delivered_at=state.last_delivered_at,
    )


def _without_log(is_active: bool) -> Standing:
    return UNKNOWN if is_active else Standing(state="disabled")
