"""The query of a request, and the body of a form."""

from collections.abc import Iterable
from urllib.parse import parse_qsl


def query_member(query: bytes, name: str) -> str | None:
    """Return the last value of `name` in a query string."""
    return dict(query_members(query)).get(name)


def query_members(query: bytes) -> Iterable[tuple[str, str]]:
    """Return names and values of a query string; what is not UTF-8 is replaced."""
    return parse_qsl(query.decode("utf-8", "replace"), keep_blank_values=True, errors="replace")
