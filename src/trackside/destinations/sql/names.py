"""The name of a table, as each database quotes it."""

import re
from typing import Final

from trackside.errors import ConfigurationError

_PART: Final = re.compile(r"[^.\x00-\x1f\x7f]{1,63}")
"""PostgreSQL cuts longer names off, and then finds another table."""


def parts_of(table: str) -> tuple[str, ...]:
    """Return `("analytics", "events")` of `analytics.events`. Raises ConfigurationError."""
    parts = tuple(table.split("."))
    if len(parts) > 2 or not all(map(_PART.fullmatch, parts)):
        raise ConfigurationError(
            f"table is {table!r}; want a name of at most 63 characters, as events or analytics.events"
        )
    return parts


def quoted(table: str, quote: str) -> str:
    """Return the name between such quotes, whatever is in it."""
    return ".".join(quote + part.replace(quote, 2 * quote) + quote for part in parts_of(table))
