"""Key-value pairs in form encoding, as openedx-webhooks describes them: nested names joined by `_`.

Source: README of openedx-webhooks 18.0.1, "Use WWW form encoding"; its code and 22.0.0's, run in November 2026.
Two values may come to the same name (`a.b_c` and `a_b.c`). There the later one replaces the earlier; here both are
pairs of the body.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from trackside.document.encoding import encode

CONTENT_TYPE = "application/x-www-form-urlencoded"

Leaf = Callable[[Any], str]
"""Makes the text of a value that is no table with something in it."""


def encode_pairs(found: list[tuple[str, str]]) -> bytes:
    """Return the body; half of a surrogate pair becomes a question mark."""
    return urlencode(found, errors="replace").encode()


def pairs(value: Any, leaf: Leaf, name: str | None = None) -> Iterator[tuple[str, str]]:
    """Yield the flattened name and the text of each value in `value`, which without a name is a table."""
    if isinstance(value, Mapping) and (value or name is None):
        for key, inner in value.items():
            yield from pairs(inner, leaf, key if name is None else f"{name}_{key}")
    else:
        yield name or "", leaf(value)


def plain(value: Any) -> str:
    """Return a text as it is, nothing for null, anything else as JSON: `true`, `7`, `[1,{"x":2}]`, `{}`."""
    if isinstance(value, str):
        return value
    return "" if value is None else encode(value).decode("utf-8", "replace")
