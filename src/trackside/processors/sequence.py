"""Moves through a sequence of units: the older types and fields of `edx.ui.lms.sequence.…` events."""

from typing import Any

from trackside.emitted import EmittedEvent


def tab_selected(line: EmittedEvent, payload: dict[str, Any]) -> bool:
    """Make the line a `seq_goto` from the current tab to the one selected."""
    line["event_type"] = "seq_goto"
    payload["old"], payload["new"] = payload["current_tab"], payload["target_tab"]
    return True


def next_selected(line: EmittedEvent, payload: dict[str, Any]) -> bool:
    """Make the line a `seq_next`, unless the step leads out of the sequence."""
    return _step(line, payload, "seq_next", 1, last=payload["tab_count"])


def previous_selected(line: EmittedEvent, payload: dict[str, Any]) -> bool:
    """Make the line a `seq_prev`, unless the step leads out of the sequence."""
    return _step(line, payload, "seq_prev", -1, last=1)


def _step(line: EmittedEvent, payload: dict[str, Any], kind: str, by: int, *, last: int) -> bool:
    current = payload["current_tab"]
    if current == last:
        return False
    payload["old"], payload["new"] = current, current + by
    line["event_type"] = kind
    return True


SEQUENCE_TRANSFORMERS = {
    "edx.ui.lms.sequence.tab_selected": tab_selected,
    "edx.ui.lms.sequence.next_selected": next_selected,
    "edx.ui.lms.sequence.previous_selected": previous_selected,
}
