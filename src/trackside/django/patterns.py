"""Regular expressions of settings, compiled once; one where several can be one."""

import re
from functools import lru_cache


@lru_cache(maxsize=32)
def compiled(patterns: tuple[str, ...], flags: int = 0) -> tuple[re.Pattern[str], ...]:
    """Return patterns of which one matches or finds something exactly where one of `patterns` does."""
    if not patterns:
        return ()
    try:
        return (re.compile("|".join(f"(?:{each})" for each in patterns), flags),)
    except re.error:  # each is good by itself: flags in the middle, groups of the same name
        return tuple(re.compile(each, flags) for each in patterns)
