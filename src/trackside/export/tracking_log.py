"""An event as the line that the destination `tracking_log` writes."""

import logging
from collections.abc import Sequence

from trackside.destinations.tracking_log.line import render as render_lines
from trackside.destinations.tracking_log.line import render_alone
from trackside.event import Event

logger = logging.getLogger(__name__)


def render(positions: Sequence[int], events: Sequence[Event]) -> tuple[bytes, int]:
    """Return a line for each event, with its end, and how many events cannot be such a line."""
    try:
        return render_lines(events), 0
    except Exception:  # noqa: BLE001  # the border: one odd event must not keep the others out
        lines = [line for line in map(_line, positions, events) if line is not None]
        return b"".join(lines), len(events) - len(lines)


def _line(position: int, event: Event) -> bytes | None:
    try:
        return render_alone(event)
    except Exception:
        logger.exception("event cannot be written as a line", extra={"position": position})
        return None
