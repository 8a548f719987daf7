"""Reads what is asked for and writes it."""

from collections.abc import Callable

from msgspec import Struct

from trackside.export.form import Form
from trackside.export.formats import open_writer
from trackside.export.selection import Selection, pages
from trackside.export.sink import Sink
from trackside.log.base import Log


class Exported(Struct, frozen=True, kw_only=True):
    """What was written."""

    events: int
    through: int
    """Everything asked for up to here is written; the next export begins behind it."""
    gone: int
    """Positions that retention removed before they were read."""
    left_out: int
    """Events that were asked for and have no form in this format."""


def write_events(
    log: Log,
    selection: Selection,
    form: Form,
    sink: Sink,
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> Exported:
    """Write the selected events; `progress` is told up to which position all was read. Raises OSError."""
    events, through, gone, left_out = 0, selection.first - 1, 0, 0
    try:
        writer = open_writer(form, sink)
        for page in pages(log, selection):
            if page.events:
                left_out += writer.write(page.positions, page.events)
            events, through, gone = events + len(page.events), page.through, gone + page.gone
            progress(through)
        writer.finish()
    except BaseException:
        sink.give_up()
        raise
    return Exported(events=events - left_out, through=through, gone=gone, left_out=left_out)
