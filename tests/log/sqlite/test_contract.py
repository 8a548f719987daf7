"""The SQLite engine keeps the contract, also across restarts."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from trackside.config.settings import LogSettings
from trackside.log.base import Committed
from trackside.log.sqlite import SQLiteLog
from trackside.log.subscription import Progress
from trackside.testing.log_contract import LogContract
from trackside.testing.log_values import NOON, MakeLog, append, make_event, read_all
from trackside.testing.subscription_contract import waiting


class TestSQLiteLog(LogContract):
    """The embedded log."""

    @pytest.fixture
    def make_log(self, tmp_path: Path) -> MakeLog:
        """Open the same directory each time."""

        def make(clock: Callable[[], datetime] = lambda: datetime.now(UTC), **settings: Any) -> SQLiteLog:
            return SQLiteLog(tmp_path / "data", LogSettings(**settings), clock=clock)

        return make

    def test_a_restart(self, make_log: MakeLog) -> None:
        """Events, positions, what waits and what was seen are there after a restart."""
        log = make_log()
        append(log, make_event(1), make_event(2))
        log.subscription("crm").advance(Progress(position=2, delivered=1, waiting=[waiting(2)]), now=NOON)
        state = log.subscription("crm").state()
        log.close()
        log = make_log()
        assert read_all(log) == [(1, "event-1"), (2, "event-2")]
        assert log.subscription("crm").state() == state
        assert log.subscription("crm").due(NOON, 5)[0].event == waiting(2).event
        assert append(log, make_event(2), make_event(3)) == Committed(1, 1, 3)
        log.close()

    def test_an_emptied_log(self, make_log: MakeLog) -> None:
        """Positions go on after a retention that removed everything, also after a restart."""
        log = make_log(retention_s=60)
        append(log, make_event(1), make_event(2))
        log.maintain(datetime(2027, 1, 1, tzinfo=UTC))
        log.close()
        log = make_log()
        assert (log.bounds().last, log.subscription("new").state().start) == (2, 2)
        assert append(log, make_event(3)).last == 3
        log.close()
