"""When a destination that fails is disabled: a pure function, without clock and database."""

from datetime import datetime


def why_disable(
    failing_since: datetime | None, now: datetime, *, disable_after_s: float, reason: str
) -> str | None:
    """Return why a destination that fails with `reason` is to be paused now, or None where it is not.

    It is where it has taken nothing for longer than `disable_after_s`; 0 is never.
    """
    if failing_since is None or not disable_after_s:
        return None
    if (now - failing_since).total_seconds() <= disable_after_s:
        return None
    return f"took nothing since {failing_since:%Y-%m-%d %H:%M} UTC; at last: {reason}"
