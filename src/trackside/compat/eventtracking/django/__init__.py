"""The package `eventtracking.django`, an app of its own: it has no models, and no migrations."""

from typing import Any


def __getattr__(name: str) -> Any:
    if name == "DjangoTracker":
        from trackside.django.tracker import DjangoTracker

        return DjangoTracker
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
