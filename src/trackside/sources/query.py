"""The query of a request, and the body of a form."""

from collections.abc import Iterable
from urllib.parse import unquote

_COMMON = tuple((b"%%%02X" % ord(character), character.encode()) for character in '":,/+ {}@[]')
"""How browsers escape what JSON and addresses are full of. None of them is a hexadecimal digit, a percent sign or one
of the signs with a meaning in a query, so to replace them first changes nothing of what else there is."""


def query_member(query: bytes, name: str) -> str | None:
    """Return the last value of `name` in a query string."""
    return dict(query_members(query)).get(name)


def query_members(query: bytes) -> Iterable[tuple[str, str]]:
    """Return names and values of a query string; what is not UTF-8 is replaced.

    The same as the standard library's `parse_qsl` with blank values kept, which looks at each escape in Python.
    """
    text = query.replace(b"+", b" ")
    for escaped, character in _COMMON:
        if b"%" not in text:
            break
        text = text.replace(escaped, character)
    for pair in text.decode("utf-8", "replace").split("&"):
        if pair:
            name, _, value = pair.partition("=")
            yield _unescaped(name), _unescaped(value)


def _unescaped(text: str) -> str:
    return unquote(text, errors="replace") if "%" in text else text
