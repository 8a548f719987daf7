"""Exceptions of filters that nobody knows yet."""

from typing import Any

import pytest

from trackside.openedx.filters import discovery
from trackside.openedx.filters.stops import stops_of
from trackside.webfilters.points import DEFAULT_MESSAGE


class Stopped(Exception):  # noqa: N818  # as that of openedx-filters
    """As that of openedx-filters."""

    def __init__(self, message: str = "", **said: Any) -> None:
        super().__init__(message)
        self.said = said


class Requested:
    """A filter of a later release."""

    class WithReason(Stopped):
        """Calls its message something else."""

        def __init__(self, reason: str, code: str | None = None) -> None:
            super().__init__(reason, code=code)

    class WithTitle(Stopped):
        """Has a text besides."""

        def __init__(self, message: str, title: str = "") -> None:
            super().__init__(message, title=title)


@pytest.fixture(autouse=True)
def _openedx_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "OpenEdxFilterException", Stopped, raising=False)


def test_a_class_without_a_message() -> None:
    """It is raised all the same, with the message in the place of what it cannot be without: a halt must halt."""
    stops = stops_of(Requested, trusted_html=False)["WithReason"]
    assert str(stops.make({})) == DEFAULT_MESSAGE
    assert str(stops.make({"message": "No"})) == "No"
    assert str(stops.make({"message": "No", "reason": "Full"})) == "Full"


@pytest.mark.parametrize(("trusted_html", "title"), [(False, "Closed"), (True, "<b>Closed</b>")])
def test_markup_in_any_text(trusted_html: bool, title: str) -> None:
    """It is taken out of all texts, not of the message alone."""
    made: Any = stops_of(Requested, trusted_html=trusted_html)["WithTitle"].make({"title": "<b>Closed</b>"})
    assert made.said == {"title": title}
