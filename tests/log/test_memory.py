"""The memory engine keeps the contract."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from trackside.config.settings import LogSettings
from trackside.log.memory import MemoryLog
from trackside.testing.log_contract import LogContract
from trackside.testing.log_values import MakeLog


class TestMemoryLog(LogContract):
    """A log that ends with its process."""

    @pytest.fixture
    def make_log(self) -> MakeLog:
        """Open an empty one each time."""

        def make(clock: Callable[[], datetime] = lambda: datetime.now(UTC), **settings: Any) -> MemoryLog:
            return MemoryLog(LogSettings(**settings), clock=clock)

        return make
