"""The service through which components of a course emit events."""

from collections.abc import Mapping
from typing import Any

from trackside.django.tracker import default_tracker


class AnalyticsService:
    """Emits on behalf of a component, which brings its own context."""

    def emit_event(self, name: str, context: Mapping[str, Any], data: Any) -> None:
        """Emit an event in a context that is named after it."""
        tracker = default_tracker()
        if tracker is not None:
            with tracker.context(name, context):
                tracker.emit(name, data)
