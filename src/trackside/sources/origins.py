"""Whose pages may send: `https://apps.example.org`, `https://*.example.org` for its subdomains, `*` for anybody's."""

import re
from collections.abc import Iterable

import msgspec

from trackside.sources import cors
from trackside.sources.base import Reply, Request

_MOST_KNOWN = 1_000
_PATTERN = re.compile(r"\*|[a-z][a-z0-9+.\-]*://(?:\*\.)?[^\s/?#@*]+", re.IGNORECASE)


def check_origins(origins: Iterable[str]) -> None:
    """Raise ValueError, with what is wanted, where one is no origin as browsers send it."""
    for origin in origins:
        if not _PATTERN.fullmatch(origin):
            raise ValueError(
                f"origins has {origin!r}; want https://apps.example.org without a path, https://*.example.org or *"
            )


def is_origin_of(pattern: str, origin: str) -> bool:
    """Return whether `origin` is what `pattern` says, which may have `*.` in front of its host."""
    scheme, _, host = pattern.partition("://")
    if "*" not in host:
        return pattern == origin
    return origin.startswith(f"{scheme}://") and origin.partition("://")[2].endswith(host.lstrip("*"))


class Origins:
    """The origins in the settings of one source. What was told of an origin is remembered: there are few."""

    __slots__ = ("_known", "_patterns", "is_any")

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = tuple(pattern.lower() for pattern in patterns)
        self.is_any = "*" in self._patterns
        """Whether pages of every origin may send."""
        self._known: dict[bytes, bool] = {}

    def has(self, origin: bytes) -> bool:
        """Return whether pages of `origin` may send."""
        if self.is_any:
            return True
        known = self._known.get(origin)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:  # they come from outside: this must not grow with them
                self._known.clear()
            text = origin.decode("latin-1")
            known = self._known[origin] = any(is_origin_of(pattern, text) for pattern in self._patterns)
        return known

    def named(self, origin: bytes) -> tuple[bytes, ...]:
        """Return the origins that an answer to a page of `origin`, which may send, has to name.

        `navigator.sendBeacon` sends with cookies, and a browser then takes no answer that is meant for all.
        """
        return () if self.is_any or not origin else (origin,)

    def readable(self, reply: Reply, origin: bytes) -> Reply:
        """Return `reply` as a page of `origin`, which may send, can read it."""
        headers = cors.reply_headers({b"origin": origin}, self.named(origin))
        return msgspec.structs.replace(reply, headers=(*reply.headers, *headers))


class Answers:
    """One answer as the pages of each origin may read it, made once: a connection knows what it has just sent."""

    __slots__ = ("_known", "_origins", "_reply")

    def __init__(self, reply: Reply, origins: Origins) -> None:
        """`reply` is what is answered to whoever is no page."""
        self._reply = reply
        self._origins = origins
        self._known: dict[bytes, Reply] = {}

    def to(self, origin: bytes) -> Reply:
        """Return the answer to a page of `origin`, which may send; "" is no page."""
        if not origin:
            return self._reply
        key = b"*" if self._origins.is_any else origin
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[key] = self._origins.readable(self._reply, origin)
        return known


def preflight(request: Request, origins: Origins) -> Reply:
    """Return the answer to the OPTIONS of a page that may send: it may, with the headers it asks for."""
    named = origins.named(request.headers.get(b"origin", b""))
    return Reply(status=204, headers=cors.preflight_headers(request.headers, named))
