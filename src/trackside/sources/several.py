"""All sources of a server behind one: each request goes to the source of its path."""

from collections.abc import Sequence

from trackside.sources.base import Decoded, NeedsUsers, Request, Source


class Sources:
    """Hands each request to the first source that takes its path; one of no source's to the last."""

    __slots__ = ("_last", "_sources")

    def __init__(self, sources: Sequence[Source]) -> None:
        """`sources`, at least one; the last answers what is nobody's."""
        self._sources = tuple(sources)
        self._last = self._sources[-1]

    def handles(self, path: str) -> bool:
        """Return whether requests for `path` are for any of the sources."""
        return any(source.handles(path) for source in self._sources)

    def decode(self, request: Request) -> Decoded | NeedsUsers:
        """Return what the source of the request's path makes of it."""
        path = request.path
        for source in self._sources:
            if source.handles(path):
                return source.decode(request)
        return self._last.decode(request)
