"""Data for every public signal, made from the types of its classes: nothing here knows a signal by name."""

import io
import typing
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

COURSE = "course-v1:edX+DemoX+2026"
BLOCK = "block-v1:edX+DemoX+2026+type@problem+block@p1"
LIBRARY = "lib:edX:Physics"
MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678_901, UTC)
_TEXTS = {
    "course_id": COURSE,
    "location": BLOCK,
    "object_id": BLOCK,
    "email": "u@example.org",
    "username": "zoe",
}
_LIBRARY_KEYS = {
    "LibraryLocatorV2": LIBRARY,
    "LibraryUsageLocatorV2": "lb:edX:Physics:html:h1",
    "LibraryCollectionLocator": "lib-collection:edX:Physics:c1",
    "LibraryContainerLocator": "lct:edX:Physics:unit:u1",
}


def arguments(signal: Any) -> dict[str, Any]:
    """Return what `signal.send_event` takes."""
    return {name: of_type(kind, name) for name, kind in signal.init_data.items()}


def of_type(kind: Any, name: str = "") -> Any:
    """Return a value of this type, for a field of this name."""
    if kind is None or kind is Any:
        return f"some {name}"
    origin = typing.get_origin(kind)
    if origin is not None or kind in (list, dict, set, tuple):
        return _generic(origin or kind, typing.get_args(kind), name)
    if hasattr(kind, "__attrs_attrs__"):
        return kind(**{each.name.lstrip("_"): of_type(each.type, each.name) for each in kind.__attrs_attrs__})
    made = _MADE.get(kind.__name__)
    return _key(kind) if made is None else made(name)


def _generic(origin: Any, parts: tuple[Any, ...], name: str) -> Any:
    if origin is dict:
        return (
            {"a": of_type(parts[1], "a") if parts else 1, "nested": {"b": [1, None]}}
            if not parts
            else {of_type(parts[0], "k"): of_type(parts[1], "v")}
        )
    if origin in (list, set, tuple):
        return origin([of_type(parts[0] if parts else str, name)])
    inner = [each for each in parts if each is not type(None)]  # Optional, Union, Annotated
    return of_type(inner[0], name)


_MADE: dict[str, Callable[[str], Any]] = {
    "str": lambda name: _TEXTS.get(name, f"some {name}"),
    "int": lambda name: 7,
    "float": lambda name: 0.5,
    "bool": lambda name: True,
    "datetime": lambda name: MOMENT,
    "UUID": lambda name: UUID(int=7),
    "BinaryIO": lambda name: io.BytesIO(b"a picture"),
    "object": lambda name: f"some {name}",
}


def _key(kind: Any) -> Any:
    """Return a key of opaque_keys."""
    from ccx_keys.locator import CCXLocator
    from opaque_keys.edx.keys import CourseKey, UsageKey

    if issubclass(kind, CCXLocator):
        return CCXLocator(org="edX", course="DemoX", run="2026", ccx="1")
    if issubclass(kind, CourseKey):
        return CourseKey.from_string(COURSE)
    text = _LIBRARY_KEYS.get(kind.__name__)
    if text is not None:
        return kind.from_string(text)
    if issubclass(kind, UsageKey):
        return UsageKey.from_string(BLOCK)
    raise TypeError(f"nothing is known of the type {kind!r}")
