"""Data that a point might send, to try a hook out with: what the point gives as an example, the rest by its types."""

import types
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from trackside.webfilters.points import FilterPoint

_OF_TYPES: Final[Mapping[object, object]] = {
    str: "example",
    bool: True,
    int: 1,
    float: 1.0,
    datetime: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    date: date(2026, 1, 2),
}


def example_of(point: FilterPoint) -> dict[str, Any]:
    """Return data for one question of the point."""
    made = {name: _example(kind) for name, kind in point.sends.items()}
    return made | {name: value for name, value in point.example.items() if name in point.sends}


def _example(kind: Any) -> Any:
    if kind in _OF_TYPES:
        return _OF_TYPES[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _example(arguments[0])
    if origin is Literal:
        return arguments[0]
    if origin in {Union, types.UnionType}:
        return _example(arguments[0])
    whole = origin or kind
    if isinstance(whole, type) and issubclass(whole, Mapping):
        return {name: _example(each) for name, each in getattr(kind, "__annotations__", {}).items()}
    if isinstance(whole, type) and issubclass(whole, Sequence):
        return []
    return None
