"""Every store of attempts keeps the contract."""

from pathlib import Path
from typing import Any

import pytest

from tests.attempts.tools import opened, settle
from trackside.attempts.base import Attempts
from trackside.attempts.sqlite import SQLiteAttempts
from trackside.testing.attempt_contract import AttemptContract, MakeAttempts
from trackside.testing.attempts import MemoryAttempts


class TestSQLite(AttemptContract):
    """In a database of its own."""

    @pytest.fixture
    def make_attempts(self, tmp_path: Path) -> MakeAttempts:
        """Return what opens it."""
        return lambda **options: opened(tmp_path, **options)

    def settle(self, attempts: Attempts) -> None:
        """Wait for nothing: write now."""
        assert isinstance(attempts, SQLiteAttempts)
        settle(attempts)


class TestMemory(AttemptContract):
    """For tests of others."""

    @pytest.fixture
    def make_attempts(self) -> MakeAttempts:
        """Return what makes it."""

        def make(*, settings: Any = None) -> MemoryAttempts:
            return MemoryAttempts(settings)

        return make
