"""Which headers a request may carry: the same rule when an endpoint is saved and when it is sent to."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

OURS: Final = frozenset(
    {
        *("connection", "content-length", "expect", "host", "keep-alive", "te", "trailer"),
        *("transfer-encoding", "upgrade"),
    }
)
"""What frames a request belongs to the client."""
NAME_BYTES: Final = 256
VALUE_BYTES: Final = 8_000
Lines = tuple[tuple[str, ...], Sequence[str]]
"""Names of headers, and their lines."""
_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_BAD_VALUE: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def why_not_header(name: str, value: str) -> str | None:
    """Return None where a request may carry this header, else the reason; the value is not in it."""
    if not _NAME.fullmatch(name) or len(name) > NAME_BYTES:
        return f"{name[:40]!r} is no header's name"
    if name.lower() in OURS or name.lower().startswith("proxy-"):
        return f"{name} is set by the client itself"
    if _BAD_VALUE.search(value) or not _encodes(value):
        return f"the value of {name} holds a line break or a control character"
    if len(value.encode()) > VALUE_BYTES:
        return f"the value of {name} is longer than {VALUE_BYTES} bytes"
    return None


def sendable(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]] | str:
    """Return the headers without the client's own, or why one of them would break the request."""
    kept = []
    for header in headers:
        name, value = header
        is_ours = _is_ours(name)
        if is_ours is None:
            return f"{name[:40]!r} is no header's name"
        if not value.isprintable() and (_BAD_VALUE.search(value) or not _encodes(value)):
            return f"the value of {name} holds a line break or a control character"
        if not is_ours:
            kept.append(header)
    return kept


def sendable_lines(headers: Sequence[tuple[str, str]]) -> Lines | str:
    """Return what `sendable` does as lines, in curl's words."""
    names, values = zip(*headers, strict=True) if headers else ((), ())
    if _all_go_out(names) and "".join(values).isprintable() and "" not in map(str.strip, values):
        return names, [*map(": ".join, headers)]  # nearly always
    kept = sendable(headers)
    if isinstance(kept, str):
        return kept
    # curl leaves a header without a value out, unless it ends in a semicolon
    lines = [f"{name}: {value}" if value and not value.isspace() else f"{name};" for name, value in kept]
    return tuple(name for name, _ in kept), lines


def is_header_name(name: str) -> bool:
    """Return whether a header may have this name."""
    return _NAME.fullmatch(name) is not None


@lru_cache(maxsize=1_024)
def _all_go_out(names: tuple[str, ...]) -> bool:
    return all(_is_ours(name) is False for name in names)


@lru_cache(maxsize=1_024)
def _is_ours(name: str) -> bool | None:
    return name.lower() in OURS if _NAME.fullmatch(name) else None


def _encodes(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
