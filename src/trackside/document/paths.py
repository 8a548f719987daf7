"""Dotted paths into a JSON object: what is asked of it, and what of it is sent."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from trackside.document.encoding import Document, encode
from trackside.event import NameFilter


class Where:
    """Tells whether an object's fields are as asked: each path has a value that one of its globs matches.

    A glob that begins with `!` forbids: no value may be like it. Where all of a path's globs forbid, it may be missing.
    """

    def __init__(self, where: Mapping[str, str | tuple[str, ...]]) -> None:
        self._asked = [(path, *_filters(globs)) for path, globs in where.items()]

    def __bool__(self) -> bool:
        return bool(self._asked)

    def matches(self, document: Document) -> bool:
        """Return whether all of it is true. A list matches where one of its values does."""
        for path, wanted, forbidden in self._asked:
            texts = list(_texts(document, path))
            if any(map(forbidden.matches, texts)) or (wanted.globs and not any(map(wanted.matches, texts))):
                return False
        return True


def _filters(globs: str | tuple[str, ...]) -> tuple[NameFilter, NameFilter]:
    """Return what is asked for and what is forbidden."""
    listed = (globs,) if isinstance(globs, str) else globs
    return (
        NameFilter(glob for glob in listed if not glob.startswith("!")),
        NameFilter(glob[1:] for glob in listed if glob.startswith("!")),
    )


def _texts(document: Document, path: str) -> Iterator[str]:
    for value in _values(document, path):
        for each in value if isinstance(value, list) else (value,):
            if isinstance(each, str):
                yield each
            elif each is not None:
                yield encode(each).decode()


def _values(value: Any, path: str) -> Iterator[Any]:
    """Yield what is at `path`: of a list, what is there in each of its members. A name may have dots in it."""
    if isinstance(value, list):
        for member in value:
            yield from _values(member, path)
    elif isinstance(value, dict):
        if path in value:
            yield value[path]
        first, dot, rest = path.partition(".")
        if dot and first in value:
            yield from _values(value[first], rest)


class Selection:
    """Keeps of an object what may be sent."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._tree: dict[str, Any] = {}
        for path in paths:
            _grow(self._tree, path.split("."))

    def of(self, document: Document) -> Document:
        """Return a new document with only what the paths name; lists keep their members, each cut alike."""
        kept: Document = _kept(document, self._tree)
        return kept


_WHOLE: dict[str, Any] = {}
"""The end of a path: all below it is kept."""


def _grow(tree: dict[str, Any], parts: list[str]) -> None:
    first, *rest = parts
    if not rest:
        tree[first] = _WHOLE
    elif tree.get(first) is not _WHOLE:
        _grow(tree.setdefault(first, {}), rest)


def _kept(value: Any, tree: dict[str, Any]) -> Any:
    if tree is _WHOLE:
        return value
    if isinstance(value, list):
        return [_kept(member, tree) for member in value if isinstance(member, dict | list)]
    if not isinstance(value, dict):
        return {}
    return {
        name: _kept(value[name], below)
        for name, below in tree.items()
        if name in value and (below is _WHOLE or isinstance(value[name], dict | list))
    }
