"""The logger backend: one line an event, as the standard library would write it."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from trackside.backends.logger import MAX_EVENT_SIZE, LoggerBackend
from trackside.emitted import DateTimeJSONEncoder, Unencodable
from trackside.routing import RoutingBackend
from trackside.telemetry import catalogue

EVENT = {
    "name": "edx.x",
    "context": {"user_id": 1, "org_id": "é𝄞"},
    "event": {"a": [1, 2.5, None, True], "empty": {}},
    "time": datetime(2026, 11, 20, 19, 32, 4, 641987, tzinfo=UTC),
    "page": None,
}


class Lines(logging.Handler):
    """Keeps what it is told to write, and with which level."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the record."""
        self.records.append(record)

    @property
    def lines(self) -> list[str]:
        """The messages."""
        return [record.getMessage() for record in self.records]


@pytest.fixture
def lines() -> Iterator[Lines]:
    logger, handler = logging.getLogger("test.tracking"), Lines()
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield handler
    logger.removeHandler(handler)
    logger.propagate = True


def backend(**options: Any) -> LoggerBackend:
    return LoggerBackend("test.tracking", **options)


def test_a_line_is_letter_by_letter_the_standard_librarys(lines: Lines) -> None:
    backend().send(EVENT)
    assert lines.lines == [json.dumps(EVENT, cls=DateTimeJSONEncoder)]


def test_a_percent_sign_is_nothing_special(lines: Lines) -> None:
    backend().send({"name": "100 %s"})
    assert lines.lines == ['{"name": "100 %s"}']


@pytest.mark.parametrize("level", ["debug", "INFO", "Warning", "critical"])
def test_the_level_is_chosen(lines: Lines, level: str) -> None:
    backend(level=level).send(EVENT)
    assert lines.records[0].levelname == level.upper()


def test_an_unknown_level_is_an_error_at_once() -> None:
    with pytest.raises(AttributeError):
        backend(level="loud")


def test_a_logger_whose_level_is_higher_writes_nothing(lines: Lines) -> None:
    logging.getLogger("test.tracking").setLevel(logging.ERROR)
    backend().send(EVENT)
    assert lines.lines == []


def test_without_a_name_it_is_the_root_logger() -> None:
    assert LoggerBackend().event_logger is logging.getLogger()


@pytest.mark.parametrize(("limit", "kept"), [(None, True), (100, True), (99, False), (0, False)])
def test_an_event_longer_than_the_limit_is_counted_and_not_logged(
    lines: Lines, limit: int | None, kept: bool
) -> None:
    line_of_100 = {"name": "x" * (100 - len('{"name": ""}'))}
    before = catalogue.EMITTED_DROPPED.value("oversize")
    backend(max_event_size=limit).send(line_of_100)
    assert len(lines.lines) == kept
    assert catalogue.EMITTED_DROPPED.value("oversize") == before + (not kept)


def test_the_limit_counts_characters_as_they_are_written(lines: Lines) -> None:
    backend(max_event_size=17).send({"name": "é"})
    backend(max_event_size=18).send({"name": "é"})
    assert lines.lines == ['{"name": "\\u00e9"}']
    assert MAX_EVENT_SIZE == 1024


def test_an_event_without_json_is_counted_and_said_by_a_type_error(lines: Lines) -> None:
    before = catalogue.EMITTED_DROPPED.value("unencodable")
    with pytest.raises(Unencodable):
        backend().send({"name": "n", "data": object()})
    RoutingBackend({"logger": backend()}).send({"name": "n", "data": object()})
    assert lines.lines == []
    assert catalogue.EMITTED_DROPPED.value("unencodable") == before + 2
