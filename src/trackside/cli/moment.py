"""Points in the log as people write them: a position, how long ago, or a date and time."""

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from trackside.log.base import Log

_AGO = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_LAST = 2**63 - 1
"""The largest position a log can have."""
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


if TYPE_CHECKING:
    _Base = click.ParamType[int | datetime]
else:
    _Base = click.ParamType  # not subscriptable in every release of click


class Moment(_Base):
    """A command line value that is a position (int) or a time (aware datetime)."""

    name = "moment"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | datetime:
        """Return what `value` means: digits are a position, `10m` an age, the rest a date and time."""
        if isinstance(value, (int, datetime)):
            return value
        text = str(value).strip()
        try:
            if text.isascii() and text.isdigit():
                return min(int(text), _LAST)
            if ago := _AGO.fullmatch(text):
                return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: float(ago[1])})
            return datetime.fromisoformat(text).astimezone(UTC)  # without an offset: local time
        except (ValueError, OverflowError):
            self.fail(
                f"{text!r} is no moment; want a position (1200), how long ago (30s, 10m, 2h, 3d)"
                " or a date and time (2026-11-20T14:00)",
                param,
                ctx,
            )


def first_position(log: Log, moment: int | datetime) -> int:
    """Return the position of the first event at or after `moment`; one beyond the end where there is none."""
    return max(1, moment) if isinstance(moment, int) else log.position_at(moment) + 1


def last_position(log: Log, moment: int | datetime | None) -> int:
    """Return the position of the last event up to `moment`, or the log's last."""
    end = log.bounds().last
    if moment is None:
        return end
    return min(end, moment if isinstance(moment, int) else log.position_at(moment))


class Range(Struct, frozen=True):
    """The positions asked for, as far as the log holds them."""

    first: int
    last: int
    """Less than `first` where there are none."""
    gone: int
    """Positions before them that retention removed."""


def held_range(log: Log, since: int | datetime | None, until: int | datetime | None) -> Range:
    """Return the positions from `since`, else the first that is held, up to `until`, else the log's last."""
    last, bounds = last_position(log, until), log.bounds()
    held = bounds.first if bounds.events else bounds.last + 1
    first = held if since is None else first_position(log, since)
    return Range(max(first, held), last, max(0, min(held - 1, last) - first + 1))
