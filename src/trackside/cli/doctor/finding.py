"""What a check says."""

from typing import Literal

from msgspec import Struct

Level = Literal["ok", "warning", "error"]


class Finding(Struct, frozen=True, kw_only=True):
    """One thing looked at. `why` it matters and how to `fix` it are empty where all is well."""

    check: str
    level: Level
    what: str
    why: str = ""
    fix: str = ""


def ok(check: str, what: str) -> Finding:
    """Return that all is well."""
    return Finding(check=check, level="ok", what=what)


def warning(check: str, what: str, why: str, fix: str) -> Finding:
    """Return something that works now and may hurt later."""
    return Finding(check=check, level="warning", what=what, why=why, fix=fix)


def error(check: str, what: str, why: str, fix: str) -> Finding:
    """Return something that does not work."""
    return Finding(check=check, level="error", what=what, why=why, fix=fix)
