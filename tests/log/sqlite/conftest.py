"""Logs in a folder of the test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from trackside.config.settings import LogSettings
from trackside.log.sqlite import SQLiteLog
from trackside.testing.log_values import ManualClock

OpenLog = Callable[..., SQLiteLog]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The data directory."""
    return tmp_path / "data"


@pytest.fixture
def open_log(directory: Path) -> Iterator[OpenLog]:
    """Return a function that opens the log, as often as it is called; all are closed at the end."""
    opened: list[SQLiteLog] = []

    def open_one(*, clock: ManualClock | None = None, **settings: Any) -> SQLiteLog:
        log = SQLiteLog(directory, LogSettings(**settings), clock=clock or ManualClock())
        opened.append(log)
        return log

    yield open_one
    for log in opened:
        log.close()
