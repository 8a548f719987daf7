"""The logger backend: one line an event, as the standard library would write it."""

import errno
import io
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from trackside.backends.logger import MAX_EVENT_SIZE, LoggerBackend
from trackside.emitted import DateTimeJSONEncoder, Unencodable
from trackside.errors import ConfigurationError
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


@pytest.mark.parametrize("most", ["big", [1024]])
def test_a_size_that_is_no_number_is_refused(most: Any) -> None:
    with pytest.raises(ConfigurationError):
        backend(max_event_size=most)


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


# The short way to a handler has the result of the usual one.


def written(path: Path, prepare: Callable[[logging.FileHandler], object] = lambda handler: None) -> str:
    """Return what one event leaves in a file, its handler prepared before."""
    logger = logging.getLogger("test.tracking.file")
    handler = logging.FileHandler(path, delay=prepare is delayed)
    logger.addHandler(handler)
    logger.propagate = False
    try:
        prepare(handler)
        LoggerBackend(logger.name, level="error").send({"name": "100 %s"})
    finally:
        logger.removeHandler(handler)
        logger.propagate = True  # pytest listens to loggers that do not propagate when a test begins
        handler.close()
    return path.read_text() if path.exists() else ""


def delayed(handler: logging.FileHandler) -> None:
    """Leave the handler as it is; its file is opened late."""


LINE = '{"name": "100 %s"}'


def drop_all(record: logging.LogRecord) -> bool:
    return False


def showing(field: str) -> Callable[[logging.FileHandler], None]:
    return lambda handler: handler.setFormatter(logging.Formatter(f"%({field})s %(message)s"))


PREPARED: dict[str, tuple[Callable[[logging.FileHandler], object], str]] = {
    "as it comes": (lambda handler: None, f"{LINE}\n"),
    "message alone": (lambda handler: handler.setFormatter(logging.Formatter("%(message)s")), f"{LINE}\n"),
    "opened late": (delayed, f"{LINE}\n"),
    "another end": (lambda handler: setattr(handler, "terminator", ";"), f"{LINE};"),
    "with a level": (showing("levelname"), f"ERROR {LINE}\n"),
    "with its place": (showing("filename"), f"lines.py {LINE}\n"),
    "higher level": (lambda handler: handler.setLevel(logging.CRITICAL), ""),
    "filtered": (lambda handler: handler.addFilter(drop_all), ""),
}


@pytest.mark.parametrize(("prepare", "want"), PREPARED.values(), ids=PREPARED)
def test_a_handler_writes_what_it_is_set_up_to_write(
    tmp_path: Path, prepare: Callable[[logging.FileHandler], object], want: str
) -> None:
    assert written(tmp_path / "log", prepare) == want


def test_who_sees_every_record_of_the_process_sees_these(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Packages that report errors replace the method that calls the handlers."""
    seen: list[str] = []

    def call_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
        seen.append(record.getMessage())

    monkeypatch.setattr(logging.Logger, "callHandlers", call_handlers)
    assert written(tmp_path / "log") == ""
    assert seen == [LINE]


def test_a_record_factory_is_asked(tmp_path: Path) -> None:
    usual = logging.getLogRecordFactory()

    def factory(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = usual(*args, **kwargs)
        record.msg = "made"
        return record

    logging.setLogRecordFactory(factory)
    try:
        assert written(tmp_path / "log") == "made\n"
    finally:
        logging.setLogRecordFactory(usual)


def test_a_filter_of_the_logger_is_asked(tmp_path: Path) -> None:
    logger = logging.getLogger("test.tracking.file")
    logger.addFilter(drop_all)
    try:
        assert written(tmp_path / "log") == ""
    finally:
        logger.removeFilter(drop_all)


class FullDisk(io.StringIO):
    """Takes nothing."""

    def write(self, text: str) -> int:
        """Raise."""
        raise OSError(errno.ENOSPC, "no space left")


def test_what_cannot_be_written_is_left_to_the_handler(tmp_path: Path) -> None:
    failed: list[str] = []

    def prepare(handler: logging.FileHandler) -> None:
        assert handler.stream is not None
        handler.stream.close()
        handler.stream = FullDisk()  # type: ignore[assignment]  # any stream will do
        handler.handleError = lambda record: failed.append(record.getMessage())  # type: ignore[method-assign]

    assert written(tmp_path / "log", prepare) == ""
    assert failed == [LINE]


def test_records_say_what_usual_ones_do(lines: Lines) -> None:
    backend().send({"name": "n"})
    logging.getLogger("test.tracking").info("usual")
    ours, usual = (vars(record) for record in lines.records)
    assert list(ours) == list(usual)
    same = (
        "name",
        "args",
        "levelname",
        "levelno",
        "thread",
        "threadName",
        "process",
        "processName",
        "exc_info",
    )
    assert {key: ours[key] for key in same} == {key: usual[key] for key in same}
    assert 0 <= usual["created"] - ours["created"] < 60
    assert 0 <= usual["relativeCreated"] - ours["relativeCreated"] < 60_000
    assert 0 <= ours["msecs"] < 1000


def test_a_level_without_a_number_is_the_loggers_own_affair(lines: Lines) -> None:
    backend(level="exception").send({"name": "n"})
    assert lines.records[0].levelname == "ERROR"


def test_a_logger_of_another_class_decides_itself(tmp_path: Path) -> None:
    class Shouting(logging.Logger):
        def makeRecord(self, *args: Any, **kwargs: Any) -> logging.LogRecord:  # noqa: N802  # the library's name
            record = super().makeRecord(*args, **kwargs)
            record.msg = record.msg.upper()
            return record

    logger = Shouting("test.shouting")
    handler = logging.FileHandler(tmp_path / "log")
    logger.addHandler(handler)
    logging.Logger.manager.loggerDict["test.shouting"] = logger
    try:
        LoggerBackend("test.shouting").send({"name": "n"})
    finally:
        del logging.Logger.manager.loggerDict["test.shouting"]
        handler.close()
    assert (tmp_path / "log").read_text() == '{"NAME": "N"}\n'
