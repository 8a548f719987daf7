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

__all__ = ["CapturesEvents", "assert_emitted", "assert_not_emitted", "capture_events", "outbox"]


def __getattr__(name: str) -> Any:
    if name in __all__:  # pytest loads this package at its start, also where nobody captures events
        return getattr(import_module("trackside.testing.events"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
