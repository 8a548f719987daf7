"""What signals carry beside their data, without openedx-events."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import attrs

NAME = "org.openedx.learning.course.enrollment.created.v1"
ID = UUID(int=7)
MOMENT = datetime(2026, 1, 2, 3, 4, 5, 6, UTC)


@attrs.frozen
class Metadata:
    """As openedx-events has it."""

    event_type: str = NAME
    id: Any = ID
    minorversion: int = 0
    source: Any = "openedx/lms/web"
    sourcehost: str = "lms"
    time: Any = MOMENT
    sourcelib: Any = (11, 2, 0)
