"""A filter of another package, that no table of ours knows."""

from typing import Any

from openedx_filters.exceptions import OpenEdxFilterException
from openedx_filters.tooling import OpenEdxPublicFilter


class ReportRequested(OpenEdxPublicFilter):  # type: ignore[misc]  # openedx-filters is on the platform
    """Filter used to change a report.

    Purpose: none of the platform's.
    """

    filter_type = "org.example.report.requested.v1"

    class PreventReport(OpenEdxFilterException):  # type: ignore[misc]  # openedx-filters is on the platform
        """Raise to make none."""

        def __init__(self, message: str, attempts: int, details: dict[str, Any] | None = None) -> None:
            super().__init__(message, attempts=attempts, details=details)

    class Unrelated(Exception):  # noqa: N818
        """What the platform would not take for an answer."""

    @classmethod
    def run_filter(cls, user: Any, title: str, options: dict[str, Any], is_staff: bool, thing: Any) -> Any:
        """Return all arguments by name."""
        return super().run_pipeline(user=user, title=title, options=options, is_staff=is_staff, thing=thing)
