"""For those who test: captured events, and the contract every log, source and destination has to keep."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trackside.testing.events import (
        CapturesEvents,
        assert_emitted,
        assert_not_emitted,
        capture_events,
        outbox,
    )
    from trackside.testing.webfilters import assert_asked, assert_not_asked, webfilter_answers

__all__ = [
    "CapturesEvents",
    "assert_asked",
    "assert_emitted",
    "assert_not_asked",
    "assert_not_emitted",
    "capture_events",
    "outbox",
    "webfilter_answers",
]
_OF_WEBFILTERS = {"assert_asked", "assert_not_asked", "webfilter_answers"}


def __getattr__(name: str) -> Any:
    if name in __all__:  # pytest loads this package at its start, also where nobody captures events
        module = "webfilters" if name in _OF_WEBFILTERS else "events"
        return getattr(import_module(f"trackside.testing.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
