"""Lets only events of listed names through."""

from collections.abc import Iterable
from typing import Any

from trackside.processors.exceptions import EventEmissionExit


class NameWhitelistProcessor:
    """Ends every event whose name is not listed; of a list of events it keeps those that are."""

    mutates = False
    fails_closed = True

    def __init__(self, whitelist: Iterable[str] | None = None, **_ignored: Any) -> None:
        """`whitelist`: the names, exactly. TypeError where it is missing, a single text, or cannot be iterated."""
        try:
            if isinstance(whitelist, str):
                raise TypeError  # noqa: TRY301  # a text is a collection of letters, which nobody means
            self.whitelist = frozenset(whitelist or ()) if whitelist is not None else None
        except TypeError:
            self.whitelist = None
        if self.whitelist is None:
            raise TypeError(
                "The NameWhitelistProcessor must be passed a collection of allowed names"
                ' using the "whitelist" parameter'
            )

    def __call__(self, event: Any) -> Any:
        """Return `event` where its name is listed, else raise EventEmissionExit; a list comes back without others."""
        allowed = self.whitelist or ()
        if isinstance(event, list):
            return [each for each in event if each["name"] in allowed]
        if event["name"] not in allowed:
            raise EventEmissionExit
        return event
