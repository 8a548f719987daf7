"""Which events a browser may send."""

from functools import lru_cache

from trackside.event import NameFilter


def is_allowed(name: str | None, globs: tuple[str, ...]) -> bool:
    """Return whether an event of this name may come from a browser; without globs every one may."""
    return not globs or _filter(globs).matches(name or "unknown")


@lru_cache(maxsize=8)
def _filter(globs: tuple[str, ...]) -> NameFilter:
    return NameFilter(globs)
