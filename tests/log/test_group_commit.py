"""Requests that come during a commit share the next one."""

import os
import threading
from collections.abc import Sequence

import pytest

from trackside.errors import LogBusy, LogClosed
from trackside.event import Batch
from trackside.log.base import Committed, Receipt, Unavailable
from trackside.log.group_commit import GROUP_BYTES, TRY_AGAIN_S, GroupCommit
from trackside.testing.log_values import make_event

PATIENCE_S = 10.0


class Engine:
    """Commits when it is told to, and notes what came together."""

    def __init__(self) -> None:
        self.groups: list[list[Batch]] = []
        self.started = threading.Event()
        self.go_on = threading.Event()

    def commit(self, batches: Sequence[Batch]) -> list[Receipt]:
        """Wait for `go_on`."""
        self.groups.append(list(batches))
        self.started.set()
        assert self.go_on.wait(PATIENCE_S)
        return [Committed(1, 0, len(self.groups))] * len(batches)


def batch(number: int, size_bytes: int = 100) -> Batch:
    return Batch(events=(make_event(number),), size_bytes=size_bytes)


def test_what_waits_shares_one_commit() -> None:
    engine = Engine()
    queue = GroupCommit(engine.commit, queue_bytes=1 << 20, name="test")
    receipts: list[Receipt] = []
    queue.submit(batch(0), receipts.append)
    assert engine.started.wait(PATIENCE_S)
    for number in range(1, 51):
        queue.submit(batch(number), receipts.append)
    assert queue.waiting_events == 51
    engine.go_on.set()
    queue.close()
    assert [len(group) for group in engine.groups] == [1, 50]
    assert receipts == [Committed(1, 0, 1)] + [Committed(1, 0, 2)] * 50
    assert queue.waiting_events == 0


def test_a_group_has_a_size() -> None:
    engine = Engine()
    queue = GroupCommit(engine.commit, queue_bytes=100 * GROUP_BYTES, name="test")
    queue.submit(batch(0), lambda _: None)
    assert engine.started.wait(PATIENCE_S)
    for number in range(1, 7):
        queue.submit(batch(number, size_bytes=GROUP_BYTES // 2), lambda _: None)
    engine.go_on.set()
    queue.close()
    assert [len(group) for group in engine.groups] == [1, 2, 2, 2]


def test_the_order_is_kept() -> None:
    engine = Engine()
    engine.go_on.set()
    queue = GroupCommit(engine.commit, queue_bytes=1 << 30, name="test")
    for number in range(500):
        queue.submit(batch(number), lambda _: None)
    queue.close()
    ids = [b.events[0].id for group in engine.groups for b in group]
    assert ids == [f"event-{number}" for number in range(500)]


def test_room_comes_back_with_the_commit() -> None:
    engine = Engine()
    queue = GroupCommit(engine.commit, queue_bytes=1_000, name="test")
    queue.submit(batch(0, size_bytes=900), lambda _: None)
    with pytest.raises(LogBusy, match="900 bytes wait"):
        queue.submit(batch(1, size_bytes=900), lambda _: None)
    engine.go_on.set()
    finished = threading.Event()
    while not finished.is_set():
        try:
            queue.submit(batch(2, size_bytes=900), lambda _: finished.set())
        except LogBusy:
            continue
        assert finished.wait(PATIENCE_S)
    queue.close()


def test_an_event_weighs_something_even_where_nobody_says() -> None:
    engine = Engine()
    queue = GroupCommit(engine.commit, queue_bytes=1_000, name="test")
    queue.submit(Batch(events=tuple(map(make_event, range(10)))), lambda _: None)
    with pytest.raises(LogBusy):
        queue.submit(Batch(events=(make_event(1),)), lambda _: None)
    engine.go_on.set()
    queue.close()


def test_a_batch_that_fails_fails_alone(caplog: pytest.LogCaptureFixture) -> None:
    def commit(batches: Sequence[Batch]) -> list[Receipt]:
        if any(b.events[0].id == "event-2" for b in batches):
            raise ValueError("poison")
        return [Committed(1, 0, 1)] * len(batches)

    queue = GroupCommit(commit, queue_bytes=1 << 20, name="test")
    receipts = queue._receipts([batch(1), batch(2), batch(3)])
    assert [type(receipt) for receipt in receipts] == [Committed, Unavailable, Committed]
    assert "could not be committed" in caplog.text


def test_nothing_is_taken_after_close() -> None:
    queue = GroupCommit(lambda b: [], queue_bytes=1 << 20, name="test")
    queue.close()
    with pytest.raises(LogClosed):
        queue.submit(batch(1), lambda _: None)
    with pytest.raises(LogClosed):
        queue.commit_now([batch(1)])
    queue.close()


def test_a_receiver_may_close() -> None:
    """Closing from the log's own thread does not wait for itself."""
    closed = threading.Event()
    queue = GroupCommit(lambda b: [Committed(1, 0, 1)], queue_bytes=1 << 20, name="test")

    def close(receipt: Receipt) -> None:
        queue.close()
        closed.set()

    queue.submit(batch(1), close)
    assert closed.wait(PATIENCE_S)


def test_a_commit_that_takes_long_is_not_waited_for() -> None:
    engine = Engine()
    queue = GroupCommit(engine.commit, queue_bytes=1 << 20, name="test")
    queue.submit(batch(0), lambda _: None)
    assert engine.started.wait(PATIENCE_S)
    assert queue.commit_now([batch(1)]) is None
    engine.go_on.set()
    queue.close()
    assert [b.events[0].id for group in engine.groups for b in group] == ["event-0"]


def test_a_batch_that_cannot_be_stored_at_once_goes_to_the_thread() -> None:
    """Which of several it is that cannot be stored is found out there."""

    def commit(batches: Sequence[Batch]) -> list[Receipt]:
        raise ValueError("poison")

    queue = GroupCommit(commit, queue_bytes=1 << 20, name="test")
    assert queue.commit_now([batch(1)]) is None
    queue.close()


def test_a_slow_disk_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a commit waits for long the thread does it, and some seconds later it is tried again."""
    now_s = 0.0

    def commit(batches: Sequence[Batch]) -> list[Receipt]:
        nonlocal now_s
        now_s += 0.005
        return [Committed(1, 0, 1)] * len(batches)

    monkeypatch.setattr("trackside.log.group_commit.time.perf_counter", lambda: now_s)
    monkeypatch.setattr("trackside.log.group_commit.time.thread_time", lambda: 0.0)
    queue = GroupCommit(commit, queue_bytes=1 << 20, name="test")
    taken = [queue.commit_now([batch(number)]) is not None for number in range(30)]
    assert taken == [True] * taken.index(False) + [False] * (30 - taken.index(False))
    now_s += TRY_AGAIN_S
    assert queue.commit_now([batch(11)]) is not None
    queue.close()


def test_no_thread_before_the_first_batch() -> None:
    before = threading.active_count()
    queue = GroupCommit(lambda b: [Committed(1, 0, 1)] * len(b), queue_bytes=1 << 20, name="test")
    assert queue.commit_now([batch(1)]) == [Committed(1, 0, 1)]
    assert threading.active_count() == before
    queue.close()


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_child_begins_with_an_empty_queue() -> None:
    """What waited at a fork is answered once, by the parent; the child commits what it takes itself."""
    engine = Engine()
    queue = GroupCommit(engine.commit, queue_bytes=1_000, name="test")
    receipts: list[Receipt] = []
    queue.submit(batch(0, size_bytes=900), receipts.append)
    assert engine.started.wait(PATIENCE_S)
    child = os.fork()
    if child == 0:
        engine.groups.clear()
        engine.go_on.set()
        queue.submit(batch(1, size_bytes=900), receipts.append)
        queue.close()
        os._exit(0 if [len(group) for group in engine.groups] == [1] and len(receipts) == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    engine.go_on.set()
    queue.close()
    assert receipts == [Committed(1, 0, 1)]


def test_where_no_thread_may_be_had_the_caller_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the last moments of an interpreter; what comes later goes the same way."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    engine = Engine()
    engine.go_on.set()
    queue = GroupCommit(engine.commit, queue_bytes=1 << 20, name="test")
    monkeypatch.setattr(threading.Thread, "start", refuse)
    receipts: list[Receipt] = []
    queue.submit(batch(0), receipts.append)
    queue.submit(batch(1), receipts.append)
    assert len(receipts) == 2
    assert queue.waiting_events == 0
    queue.close()
