"""The metrics page: there also when the log is not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest

from trackside.config.settings import Config
from trackside.destinations.base import DestinationSettings
from trackside.errors import StorageError
from trackside.log.memory import MemoryLog
from trackside.log.subscription import Progress
from trackside.server.numbers import Numbers
from trackside.testing.log_values import append, make_event

NAME = "trackside_destination_oldest_pending_seconds"


def test_counters_are_told_without_a_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that cannot be read costs its own numbers, not the page an operator looks at just then."""
    config = Config(data_dir=str(tmp_path))
    log = MemoryLog(config.log)
    monkeypatch.setattr(log, "bounds", mock.Mock(side_effect=StorageError("the disk is gone")))
    body, _ = Numbers(config, log).exposition()
    assert b"trackside_build_info" in body


def test_the_age_of_the_oldest_pending(tmp_path: Path) -> None:
    """How long the oldest event has been waiting for each destination; 0 where none does."""
    crm, archive = DestinationSettings(), DestinationSettings()
    config = Config(data_dir=str(tmp_path), destinations={"crm": crm, "archive": archive})
    log = MemoryLog(config.log)
    now = datetime.now(UTC)
    append(log, *(make_event(n, received_at=now - timedelta(minutes=30 - n)) for n in range(1, 11)))
    log.subscription("crm").advance(Progress(position=5, delivered=5), now=now)
    log.subscription("archive").advance(Progress(position=10, delivered=10), now=now)
    lines = Numbers(config, log).exposition()[0].decode().splitlines()
    ages = dict(line.rsplit(" ", 1) for line in lines if line.startswith(NAME))
    assert float(ages[f'{NAME}{{destination="crm"}}']) == pytest.approx(24 * 60, abs=60)
    assert float(ages[f'{NAME}{{destination="archive"}}']) == 0
    log.close()
