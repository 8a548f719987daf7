"""What the server's own processes log says what it is about."""

import logging

from trackside.log_lines import LogLines


def line_of(name: str, **beside: object) -> str:
    """Return what is written after the time."""
    record = logging.makeLogRecord(
        {"name": name, "levelname": "INFO", "msg": "destination is paused", **beside}
    )
    return LogLines().format(record).split(" ", 2)[2]


def test_what_a_record_carries_stands_behind_its_sentence() -> None:
    """Or nobody would know which destination it was."""
    told = line_of("trackside.delivery.health", destination="crm", reason="answered 410 Gone")
    assert told == (
        "INFO trackside.delivery.health: destination is paused (destination=crm, reason=answered 410 Gone)"
    )
    assert line_of("trackside.delivery.health") == "INFO trackside.delivery.health: destination is paused"


def test_what_comes_from_outside_makes_no_line_of_its_own() -> None:
    """A reason may be what a receiver answered."""
    assert "\n" not in line_of("trackside.x", reason="no\n2026-11-27 INFO all is well")


def test_records_of_others_stay_as_they_are() -> None:
    """Their extras are for other formatters."""
    assert line_of("uvicorn.error", color_message="x") == "INFO uvicorn.error: destination is paused"
