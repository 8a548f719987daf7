"""Waiting for commits of other processes: none is overlooked, whatever the file's time says."""

from unittest import mock

import pytest

from trackside.log.sqlite import watch
from trackside.log.sqlite.watch import Watch


def test_a_commit_whose_sync_takes_long_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a look misses because it is written but not yet synced is found although the file does not change."""
    monkeypatch.setattr(watch, "READ_S", 0.01)
    database = mock.Mock()
    database.written_ns.return_value = 1  # long ago: the time counts as settled
    ends = iter([1, 1])
    waiting = Watch(database, lambda: next(ends, 2))
    assert waiting.wait(0, 0)
    assert waiting.wait(1, 5)


def test_an_untouched_file_is_hardly_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks at a file that does not change cost no read of the database, but once in a while."""
    monkeypatch.setattr(watch, "READ_S", 3_600.0)
    database = mock.Mock()
    database.written_ns.return_value = 1
    read_end = mock.Mock(return_value=1)
    waiting = Watch(database, read_end)
    for _ in range(100):
        assert not waiting.wait(1, 0)
    assert read_end.call_count == 1
