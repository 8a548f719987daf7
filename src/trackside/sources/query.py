"""The query of a request, and the body of a form."""

from binascii import a2b_qp
from collections.abc import Iterable
from urllib.parse import unquote

_PERCENT, _LINE_FEED, _CARRIAGE_RETURN = b"%\n\r"


def query_member(query: bytes, name: str) -> str | None:
    """Return the last value of `name` in a query string."""
    return dict(query_members(query)).get(name)


def query_members(query: bytes) -> Iterable[tuple[str, str]]:
    """Return names and values of a query string; what is not UTF-8 is replaced.

    The same as the standard library's `parse_qsl` with blank values kept, which looks at each escape in Python.
    """
    for pair in query.replace(b"+", b" ").split(b"&"):
        if pair:
            name, _, value = pair.partition(b"=")
            yield _unescaped(name), _unescaped(value)


def _unescaped(text: bytes) -> str:
    if _PERCENT not in text:  # as numbers: bytes in bytes is ten times slower
        return text.decode("utf-8", "replace")
    if text.isascii() and _LINE_FEED not in text and _CARRIAGE_RETURN not in text:
        # Quoted-printable is the same with another sign, and is undone in C. It is lax where the standard library's
        # `unquote` leaves signs alone; then not every escape has become shorter by two.
        plain = a2b_qp(text.replace(b"=", b"%3D").replace(b"%", b"="))
        if len(plain) == len(text) - 2 * text.count(b"%"):
            return plain.decode("utf-8", "replace")
    return unquote(text.decode("utf-8", "replace"), errors="replace")
