"""Fixtures for whoever has Trackside installed; nothing is loaded before a test asks for one."""

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def trackside_events() -> Iterator[list[dict[str, Any]]]:
    """Return the list of the events emitted so far in this test; no backend gets them."""
    from trackside.testing.events import capture_events

    with capture_events() as events:
        yield events
