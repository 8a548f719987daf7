"""Changes that an answer asks for: merged into the data, field by field, within what may be changed.

Objects are merged, anything else is replaced; null is a value and deletes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from trackside.document.encoding import Document
from trackside.webfilters.points import FilterPoint, Path, Unfit
from trackside.webfilters.prepared import Prepared


class Change(Struct, frozen=True):
    """One value that becomes another."""

    path: Path
    value: Any


def patched(
    prepared: Prepared, document: Document, patch: Mapping[str, Any], *, earlier: Iterable[Path] = ()
) -> tuple[Document, list[Change]]:
    """Return a new document with what `patch` says, and what is different in it. Raises Unfit.

    `earlier` are the paths that hooks before this one have changed in the document: the point judges all together.
    """
    point = prepared.point
    changes: list[Change] = []
    inside: dict[Path, list[Path]] = {}
    changed = document
    for path, value in _leaves(patch, document, ()):
        if _is_same(at(document, path), value):
            continue  # who sends all of it back changes what is different
        declared = point.declared(path)
        if declared is None or not _is_permitted(prepared, path):
            raise Unfit(f"{_told(path)} may not be changed")
        changes.append(Change(path, value))
        changed = _with(changed, path, value)
        inside.setdefault(declared, []).append(path)
    for declared, paths in inside.items():
        typed = point.typed(declared, at(changed, declared))
        if isinstance(typed, dict) and any(at(typed, path[len(declared) :]) is _MISSING for path in paths):
            raise Unfit(f"{_told(declared)} has no such field")
    if changes and point.judges:
        point.judge(applied(point, {}, changed, [*earlier, *(each.path for each in changes)])[1])
    return changed, changes


def applied(
    point: FilterPoint, data: Mapping[str, Any], document: Document, paths: Iterable[Path]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return `data` with what is at `paths` in the document, in the types of the point, and these changes alone.

    All else in it are the very objects that were given; `data` itself is as it was.
    """
    whole = dict(data)
    changes: dict[str, Any] = {}
    for path in paths:
        declared = point.declared(path)
        if declared is None:
            continue
        typed = point.typed(declared, at(document, declared))
        if len(path) == 1:
            whole[path[0]] = changes[path[0]] = typed
            continue
        where, value = _there(typed, declared, path)
        whole, changes = _with(whole, where, value), _with(changes, where, value)
    return whole, changes


def at(value: Any, path: Path) -> Any:
    """Return what is at a path, or a value of its own where nothing is."""
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return _MISSING
        value = value[name]
    return value


def _there(typed: Any, declared: Path, path: Path) -> tuple[Path, Any]:
    """Return what is at a path, else the nearest around it: a later change may have replaced what it lay in."""
    while path != declared:
        inner = at(typed, path[len(declared) :]) if isinstance(typed, dict) else _MISSING
        if inner is not _MISSING:
            return path, inner
        path = path[:-1]
    return declared, typed


class _Missing:
    pass


_MISSING = _Missing()


def _leaves(patch: Mapping[str, Any], current: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Yield each value that replaces another: what is an object on both sides is looked into."""
    for name, value in patch.items():
        below = current.get(name) if isinstance(current, dict) else None
        if isinstance(value, dict) and (value or isinstance(below, dict)):
            yield from _leaves(value, below, (*path, name))
        else:
            yield (*path, name), value


def _is_permitted(prepared: Prepared, path: Path) -> bool:
    allowed = prepared.may_change
    return not allowed or any(path[: len(each)] == each for each in allowed)


def _is_same(old: Any, new: Any) -> bool:
    return type(old) is type(new) and bool(old == new)


def _with(document: Mapping[str, Any], path: Path, value: Any) -> dict[str, Any]:
    copy = dict(document)
    if len(path) > 1:
        below = copy.get(path[0])
        value = _with(below if isinstance(below, Mapping) else {}, path[1:], value)
    copy[path[0]] = value
    return copy


def _told(path: Path) -> str:
    return ".".join(path)[:200]
