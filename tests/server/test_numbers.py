"""The metrics page: there also when the log is not."""

from pathlib import Path
from unittest import mock

import pytest

from trackside.config.settings import Config
from trackside.errors import StorageError
from trackside.log.memory import MemoryLog
from trackside.server.numbers import Numbers


def test_counters_are_told_without_a_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that cannot be read costs its own numbers, not the page an operator looks at just then."""
    config = Config(data_dir=str(tmp_path))
    log = MemoryLog(config.log)
    monkeypatch.setattr(log, "bounds", mock.Mock(side_effect=StorageError("the disk is gone")))
    body, _ = Numbers(config, log).exposition()
    assert b"trackside_build_info" in body
