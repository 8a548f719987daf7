# ruff: noqa: D102  # these are tests; their docstrings say what holds
"""The tests every log engine passes.

A new engine subclasses `LogContract` and says how to open one:

    class TestMine(LogContract):
        @pytest.fixture
        def make_log(self, tmp_path): ...
"""

import random
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from trackside.errors import LogBusy, LogClosed
from trackside.event import Batch, NameFilter
from trackside.log.base import Bounds, Committed, Log, Receipt, append_and_wait
from trackside.log.subscription import Progress, Subscription
from trackside.testing.erasure_contract import ErasureContract
from trackside.testing.log_values import (
    NOON,
    MakeLog,
    ManualClock,
    append,
    make_event,
    make_reject,
    read_all,
)
from trackside.testing.subscription_contract import SubscriptionContract

PATIENCE_S = 10.0
ODD = '{"ü":"half \\ud800","n":1e400,"i":%s,"a":[[],{"b":null}]}'.encode() % (b"9" * 5_000)
"""JSON that many decoders refuse; the log keeps it as it is."""


class LogContract(SubscriptionContract, ErasureContract):
    """What `trackside.log.base.Log` promises."""

    @pytest.fixture
    def make_log(self) -> MakeLog:
        """Return a function that opens a log; override it."""
        raise NotImplementedError

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def log(self, make_log: MakeLog, clock: ManualClock) -> Iterator[Log]:
        log = make_log(clock=clock)
        yield log
        log.close()

    def test_an_empty_log_holds_nothing(self, log: Log) -> None:
        assert log.bounds() == Bounds(0, 0, 0)
        page = log.read(0)
        assert (list(page.positions), list(page.events), page.through) == ([], [], 0)
        assert log.position_at(NOON) == 0
        assert log.rejects() == []
        assert not log.wait(0, 0)

    def test_events_come_back_as_they_went_in(self, log: Log) -> None:
        events = [make_event(1, data=ODD), make_event(2)]
        assert append(log, *events) == Committed(2, 0, 2)
        page = log.read(0)
        assert list(page.positions) == [1, 2]
        assert [bytes(event.data) for event in page.events] == [bytes(event.data) for event in events]
        assert [event.id for event in page.events] == ["event-1", "event-2"]
        first = page.events[0]
        assert (first.timestamp, first.received_at, first.clock_flags) == (
            events[0].timestamp,
            NOON,
            ("test",),
        )

    def test_positions_are_dense_over_batches(self, log: Log) -> None:
        for number in range(5):
            append(log, make_event(2 * number), make_event(2 * number + 1))
        assert read_all(log) == [(number + 1, f"event-{number}") for number in range(10)]
        assert log.bounds() == Bounds(1, 10, 10)

    def test_a_batch_without_anything_is_committed(self, log: Log) -> None:
        assert append_and_wait(log, Batch()) == Committed(0, 0, 0)

    def test_an_id_is_stored_once(self, log: Log) -> None:
        append(log, make_event(1), make_event(2))
        assert append(log, make_event(2), make_event(3), make_event(1)) == Committed(1, 2, 3)
        assert read_all(log) == [(1, "event-1"), (2, "event-2"), (3, "event-3")]

    def test_an_id_twice_in_one_batch_is_stored_once(self, log: Log) -> None:
        assert append(log, make_event(1), make_event(1), make_event(2)) == Committed(2, 1, 2)

    def test_the_same_id_from_two_sources_is_two_events(self, log: Log) -> None:
        assert append(log, make_event(1, source="web"), make_event(1, source="mobile")).stored == 2

    def test_a_few_events_are_stored_at_once_where_nobody_else_writes(self, log: Log) -> None:
        append(log, make_event(1))
        batches = [Batch(events=(make_event(1), make_event(2))), Batch(events=(make_event(3),))]
        receipts = log.commit_now(batches)
        assert receipts is not None
        assert [(r.stored, r.duplicates) for r in receipts if isinstance(r, Committed)] == [(1, 1), (1, 0)]
        assert append(log, make_event(3), make_event(4)) == Committed(1, 1, 4)
        assert read_all(log) == [(number, f"event-{number}") for number in (1, 2, 3, 4)]

    def test_who_stores_at_once_and_who_queues_do_not_meet(self, log: Log) -> None:
        """Every event is stored once, whichever way it went, and no position is given twice."""
        append(log, make_event(0))
        queued = threading.Thread(target=lambda: [append(log, make_event(n)) for n in range(1, 400, 2)])
        queued.start()
        for number in range(2, 400, 2):
            batch = Batch(events=(make_event(number), make_event(number - 1)))
            if log.commit_now([batch]) is None:
                append_and_wait(log, batch)
        queued.join()
        stored = read_all(log)
        assert [position for position, _ in stored] == list(range(1, 401))
        assert {event_id for _, event_id in stored} == {f"event-{number}" for number in range(400)}

    def test_much_is_left_to_the_log_s_own_thread(self, log: Log) -> None:
        append(log, make_event(0))
        assert log.commit_now([Batch(events=(make_event(1),), size_bytes=1 << 24)]) is None
        assert log.bounds() == Bounds(1, 1, 1)

    def test_duplicates_count_where_they_are(self, log: Log) -> None:
        """Each of several batches that share a commit is told of its own duplicates."""
        receipts = _append_at_once(
            log, [Batch(events=(make_event(1), make_event(n), make_event(n))) for n in (2, 3, 4, 5)]
        )
        committed = [receipt for receipt in receipts if isinstance(receipt, Committed)]
        assert sorted((receipt.stored, receipt.duplicates) for receipt in committed) == [(1, 2)] * 3 + [
            (2, 1)
        ]
        assert log.bounds().events == 5

    def test_an_id_is_forgotten_after_the_window(self, make_log: MakeLog, clock: ManualClock) -> None:
        log = make_log(clock=clock, dedup_window_s=3_600)
        append(log, make_event(1))
        clock.advance(3_599)
        assert append(log, make_event(1)).duplicates == 1
        clock.advance(3 * 3_600)
        append(log, make_event(2))
        assert append(log, make_event(1)).stored == 1
        assert log.stats().dedup_since is not None
        log.close()

    def test_at_least_so_many_ids_are_remembered(self, make_log: MakeLog) -> None:
        log = make_log(dedup_max_ids=1_000)
        append(log, *map(make_event, range(1_500)))
        assert append(log, *map(make_event, range(500, 1_500))) == Committed(0, 1_000, 1_500)
        append(log, *map(make_event, range(1_500, 4_000)))
        assert append(log, make_event(0)).stored == 1
        log.close()

    def test_a_page_ends_near_its_limit(self, log: Log) -> None:
        append(log, *map(make_event, range(1_000)))
        page = log.read(10, limit=20)
        assert 20 <= len(page.events) <= 40
        assert list(page.positions) == list(range(11, 11 + len(page.events)))
        assert page.through == page.positions[-1]

    def test_pages_of_any_size_meet(self, log: Log) -> None:
        for size in (3, 700, 1, 40):
            append(log, *(make_event(size * 1_000 + n) for n in range(size)))
        for limit in (1, 7, 500, 5_000):
            after, seen = 0, 0
            while (page := log.read(after, limit=limit)).through > after:
                assert list(page.positions) == list(range(after + 1, page.through + 1))
                seen += len(page.events)
                after = page.through
            assert seen == 744

    def test_reading_by_name_skips_the_rest_but_says_how_far_it_looked(self, log: Log) -> None:
        for number in range(30):
            append(log, make_event(number, name="wanted" if number % 10 == 4 else f"other.{number % 3}"))
        page = log.read(0, names=NameFilter(["want*"]))
        assert (list(page.positions), page.through) == ([5, 15, 25], 30)
        page = log.read(15, names=NameFilter(["nothing"]))
        assert (list(page.positions), page.through) == ([], 30)

    def test_a_page_by_name_keeps_its_limit(self, log: Log) -> None:
        append(log, *(make_event(n, name="a" if n % 2 else "b") for n in range(200)))
        names = NameFilter(["a"])
        found: list[int] = []
        after = 0
        while (page := log.read(after, limit=10, names=names)).through > after:
            assert len(page.events) <= 20
            found += page.positions
            after = page.through
        assert found == list(range(2, 201, 2))

    def test_wait_ends_with_a_commit(self, log: Log) -> None:
        append(log, make_event(1))
        assert log.wait(0, 0)
        answers: list[bool] = []
        waiting = threading.Thread(target=lambda: answers.append(log.wait(1, PATIENCE_S)))
        waiting.start()
        append(log, make_event(2))
        waiting.join(PATIENCE_S)
        assert answers == [True]

    def test_position_at_finds_the_last_event_before_a_moment(self, log: Log) -> None:
        for minute in range(5):
            at = NOON + timedelta(minutes=minute)
            append(log, make_event(2 * minute, received_at=at), make_event(2 * minute + 1, received_at=at))
        assert log.position_at(NOON) == 0
        assert log.position_at(NOON + timedelta(seconds=1)) == 2
        assert log.position_at(NOON + timedelta(minutes=3)) == 6
        assert log.position_at(NOON + timedelta(hours=1)) == 10

    def test_position_at_looks_into_a_batch(self, log: Log) -> None:
        """A forwarded batch may bring events of different moments."""
        append(log, *(make_event(n, received_at=NOON + timedelta(seconds=n)) for n in range(10)))
        assert log.position_at(NOON + timedelta(seconds=4)) == 4

    def test_rejects_come_newest_first(self, log: Log) -> None:
        append(log, make_event(1), rejects=(make_reject(1), make_reject(2)))
        append(log, rejects=(make_reject(3),))
        newest = log.rejects(limit=2)
        assert [stored.reject.detail for stored in newest] == ["3", "2"]
        assert [s.reject.detail for s in log.rejects(before=newest[-1].number)] == ["1"]
        assert newest[0].reject == make_reject(3)

    def test_only_the_newest_rejects_are_kept(self, make_log: MakeLog) -> None:
        log = make_log(rejects_kept=3)
        for number in range(0, 20, 2):
            append(log, rejects=(make_reject(number), make_reject(number + 1)))
        log.maintain(NOON)
        assert [stored.reject.detail for stored in log.rejects()] == ["19", "18", "17"]
        assert log.stats().rejects == 3
        log.close()

    def test_stats_count_what_is_there(self, log: Log) -> None:
        append(log, *map(make_event, range(10)), rejects=(make_reject(1),))
        stats = log.stats()
        assert (stats.rejects, stats.dedup_ids, stats.queued_events, stats.dedup_since) == (1, 10, 0, None)
        assert stats.event_bytes > 10 * len(b'{"step":1}')

    def test_retention_removes_what_is_old(self, make_log: MakeLog, clock: ManualClock) -> None:
        log = make_log(clock=clock, retention_s=3_600, dedup_window_s=86_400)
        for number in range(3):
            append(log, make_event(number, received_at=clock.now))
            clock.advance(1_800)
        log.maintain(NOON + timedelta(seconds=3_601))
        assert read_all(log) == [(2, "event-1"), (3, "event-2")]
        assert log.bounds() == Bounds(2, 3, 2)
        log.maintain(NOON + timedelta(days=1))
        assert log.bounds() == Bounds(0, 3, 0)
        page = log.read(1)
        assert (list(page.events), page.through) == ([], 3)
        assert append(log, make_event(0)).duplicates == 1  # what is removed is still known
        assert append(log, make_event(9, received_at=clock.now)) == Committed(1, 0, 4)
        assert log.position_at(clock.now) == 3
        log.close()

    def test_a_page_says_what_was_removed_before_it(self, make_log: MakeLog) -> None:
        log = make_log(retention_s=3_600)
        for number in range(4):
            append(log, make_event(number, received_at=NOON + timedelta(minutes=30 * number)))
        log.maintain(NOON + timedelta(minutes=91))
        for names in (None, NameFilter(["Lesson *"]), NameFilter(["none"])):
            assert [log.read(after, names=names).gone for after in range(5)] == [2, 1, 0, 0, 0]
        log.maintain(NOON + timedelta(days=1))
        assert [log.read(after).gone for after in range(5)] == [4, 3, 2, 1, 0]
        log.close()

    def test_retention_by_size_removes_the_oldest(self, make_log: MakeLog) -> None:
        log = make_log(retention_bytes=200_000, retention_s=0)
        for number in range(0, 400, 20):
            append(log, *(make_event(n, data=b'"%b"' % _noise(n)) for n in range(number, number + 20)))
        log.maintain(NOON)
        bounds = log.bounds()
        assert 20 < bounds.events < 300
        assert bounds.last == 400
        assert [position for position, _ in read_all(log)] == list(range(bounds.first, 401))
        log.close()

    def test_retention_keeps_what_a_subscription_has_not_passed(self, make_log: MakeLog) -> None:
        log = make_log(retention_s=60)
        for number in range(6):
            append(log, make_event(number))
        late = NOON + timedelta(days=1)
        slow, fast = log.subscription("slow"), log.subscription("fast")
        _pass(fast, 6)
        log.maintain(late)
        assert log.bounds().first == 1
        _pass(slow, 4)
        log.maintain(late)
        assert log.bounds() == Bounds(5, 6, 2)
        assert log.subscription("new").state().start == 4
        _pass(slow, 6)
        _pass(log.subscription("new"), 6)
        number = fast.request_replay(6, 6)
        log.maintain(late)
        assert log.bounds() == Bounds(6, 6, 1)
        fast.advance_replay(number, next_position=7, redelivered=1, checkpoint=None)
        log.maintain(late)
        assert log.bounds() == Bounds(0, 6, 0)
        log.close()

    def test_when_an_event_was_received(self, log: Log) -> None:
        assert log.received_at(1) is None
        for number in range(300):
            append(log, make_event(number, received_at=NOON + timedelta(minutes=number)))
        for _ in range(2):
            told = [log.received_at(position) for position in (0, 1, 150, 300)]
            assert told == [NOON + timedelta(minutes=minutes) for minutes in (0, 0, 149, 299)]
            assert log.received_at(301) is None
            log.maintain(NOON)  # small groups become large ones

    def test_maintenance_changes_nothing_that_is_read(self, log: Log) -> None:
        for number in range(300):
            append(log, make_event(number, name=f"name.{number % 3}"))
        before = read_all(log)
        log.maintain(NOON)
        log.maintain(NOON)
        assert read_all(log) == before
        assert list(log.read(0, limit=1_000, names=NameFilter(["name.1"])).positions) == list(
            range(2, 301, 3)
        )
        assert append(log, make_event(7)).duplicates == 1

    def test_a_full_queue_turns_batches_away(self, make_log: MakeLog) -> None:
        log = make_log(queue_bytes=1_048_576)
        busy, go_on = threading.Event(), threading.Event()
        answered: list[Receipt] = []

        def hold(receipt: Receipt) -> None:
            busy.set()
            go_on.wait(PATIENCE_S)

        log.append(Batch(events=(make_event(0),)), hold)
        assert busy.wait(PATIENCE_S)  # the log's thread is held in the reply
        log.append(Batch(events=(make_event(1),), size_bytes=1_000_000), answered.append)
        with pytest.raises(LogBusy) as refused:
            log.append(Batch(events=(make_event(2),), size_bytes=100_000), answered.append)
        assert isinstance(refused.value.retry_after_s, int)
        assert refused.value.retry_after_s >= 1
        assert log.stats().queued_events >= 1
        go_on.set()
        log.close()
        assert [type(receipt) for receipt in answered] == [Committed]

    def test_one_batch_larger_than_the_queue_passes(self, make_log: MakeLog) -> None:
        log = make_log(queue_bytes=1_048_576)
        batch = Batch(events=(make_event(0),), size_bytes=5_000_000)
        assert append_and_wait(log, batch) == Committed(1, 0, 1)
        log.close()

    def test_a_receiver_that_fails_harms_nobody(self, log: Log, caplog: pytest.LogCaptureFixture) -> None:
        def fail(receipt: Receipt) -> None:
            raise ValueError("broken")

        log.append(Batch(events=(make_event(1),)), fail)
        assert append(log, make_event(2)).last == 2
        assert "receiver" in caplog.text

    def test_close_commits_what_was_taken(self, make_log: MakeLog) -> None:
        log = make_log()
        receipts: list[Receipt] = []
        for number in range(200):
            log.append(Batch(events=(make_event(number),)), receipts.append)
        log.close()
        assert len(receipts) == 200
        assert all(isinstance(receipt, Committed) for receipt in receipts)
        with pytest.raises(LogClosed):
            log.append(Batch(events=(make_event(1),)), receipts.append)
        log.close()


def _append_at_once(log: Log, batches: list[Batch]) -> list[Receipt]:
    receipts: list[Receipt] = []
    finished = threading.Semaphore(0)

    def done(receipt: Receipt) -> None:
        receipts.append(receipt)
        finished.release()

    for batch in batches:
        log.append(batch, done)
    for _ in batches:
        assert finished.acquire(timeout=PATIENCE_S)
    return receipts


def _noise(seed: int) -> bytes:
    """Return 1,000 characters that compress badly, always the same for one seed."""
    return random.Random(seed).randbytes(500).hex().encode()  # noqa: S311


def _pass(subscription: Subscription, position: int) -> None:
    subscription.advance(Progress(position=position), now=NOON)
