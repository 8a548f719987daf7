# ruff: noqa: D102  # these are tests; their docstrings say what holds
"""The tests every store of webhook attempts passes.

A new store subclasses `AttemptContract` and says how to open one, and how to see what was recorded:

    class TestMine(AttemptContract):
        @pytest.fixture
        def make_attempts(self, tmp_path): ...

        def settle(self, attempts): ...
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from trackside.attempts.base import BODY_BYTES, Attempt, Attempts, Ending, Outcome, Query, Sending
from trackside.config.settings import AttemptSettings
from trackside.sqlite.instants import to_us

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
BODY = b'{"z":1,"a":"\xc3\xbc","f":1.10,"e":1e3}'
MakeAttempts = Callable[..., Attempts]


def sending(place: int, *, began_at: datetime | None = None, **fields: Any) -> Sending:
    """Return the attempt at the event of that position, one second later than the one before."""
    return replace(
        Sending(
            position=place,
            event_id=f"id-{place}",
            event_name="Item Purchased",
            number=1,
            began_us=to_us(began_at or NOON + timedelta(seconds=place)),
            method="POST",
            url="https://crm.example.org/events",
            headers=[("webhook-id", f"id-{place}")],
            body=BODY,
        ),
        **fields,
    )


def ending(status: int | None = 204, outcome: Outcome | None = None, **fields: Any) -> Ending:
    """Return what came of an attempt."""
    meant: Outcome = "delivered" if status is not None and status < 300 else "failed"
    return replace(
        Ending(
            outcome=outcome or meant,
            duration_s=0.25,
            status=status,
            fault=None if status else "timeout",
            reason=None if status == 204 else "not taken",
        ),
        **fields,
    )


class AttemptContract:
    """What `trackside.attempts.base` promises."""

    @pytest.fixture
    def make_attempts(self) -> MakeAttempts:
        """Return a function that opens a store with `settings`, where they are given; override it."""
        raise NotImplementedError

    @pytest.fixture
    def attempts(self, make_attempts: MakeAttempts) -> Iterator[Attempts]:
        opened = make_attempts()
        opened.start()
        yield opened
        opened.close()

    def settle(self, attempts: Attempts) -> None:
        """Return once what was recorded can be read; override it where that takes time."""

    def record(
        self, attempts: Attempts, *numbers: int, to: str = "crm", status: int | None = 204, **fields: Any
    ) -> None:
        recorder = attempts.recorder(to)
        for number in numbers:
            recorder.end(recorder.begin(sending(number, **fields)), ending(status))
        self.settle(attempts)

    def test_an_attempt_is_kept_as_it_was(self, attempts: Attempts) -> None:
        """Every field of what was sent and what was answered, bodies byte for byte."""
        recorder = attempts.recorder("crm")
        key = recorder.begin(sending(7, number=3, headers=[("A", "ü"), ("B", "2")]))
        answer = ending(503, headers=[("retry-after", "5")], body=b"\xff\0", truncated=True)
        recorder.end(key, answer)
        self.settle(attempts)
        (stored,) = attempts.page(Query()).attempts
        assert stored.attempt == Attempt(
            destination="crm",
            position=7,
            event_id="id-7",
            event_name="Item Purchased",
            number=3,
            began_at=NOON + timedelta(seconds=7),
            duration_s=0.25,
            outcome="failed",
            status=503,
            fault=None,
            reason="not taken",
            method="POST",
            url="https://crm.example.org/events",
            request_headers=[("A", "ü"), ("B", "2")],
            request_body=BODY,
            request_bytes=len(BODY),
            response_headers=[("retry-after", "5")],
            response_body=b"\xff\0",
            response_bytes=2,
            truncated=True,
        )
        assert attempts.find(stored.id) == stored.attempt
        assert attempts.find(stored.id + 1) is None

    def test_bodies_are_kept_up_to_a_size(self, attempts: Attempts) -> None:
        """The first 64 KiB, and how long they were."""
        recorder = attempts.recorder("crm")
        long = b"x" * (BODY_BYTES + 1)
        recorder.end(recorder.begin(sending(1, body=long)), ending(body=b"y" * BODY_BYTES))
        self.settle(attempts)
        (stored,) = attempts.page(Query()).attempts
        kept = stored.attempt
        assert (kept.request_body, kept.request_bytes) == (long[:BODY_BYTES], BODY_BYTES + 1)
        assert (kept.response_body, kept.response_bytes) == (b"y" * BODY_BYTES, BODY_BYTES)

    def test_bodies_of_some_events_are_emptied(self, attempts: Attempts) -> None:
        """All else stays; other events' attempts are as they were, also in the same group."""
        self.record(attempts, *range(1, 101))
        self.record(attempts, *range(1, 101), to="other", status=503)
        before = {each.id: each.attempt for each in attempts.page(Query(), limit=500).attempts}
        assert attempts.empty_bodies({"id-7", "id-100", "nobody's"}) == 4
        assert attempts.empty_bodies({"id-7", "id-100"}) == 0
        after = {each.id: each.attempt for each in attempts.page(Query(), limit=500).attempts}
        assert len(after) == 200
        for number, attempt in before.items():
            emptied = attempt.event_id in {"id-7", "id-100"}
            wanted = replace(attempt, request_body=b"", response_body=b"") if emptied else attempt
            assert after[number] == wanted
        assert [each.attempt.request_bytes for each in attempts.page(Query(event_id="id-7")).attempts] == [
            len(BODY)
        ] * 2
        assert attempts.scrub()

    def test_without_bodies(self, make_attempts: MakeAttempts) -> None:
        """Only how long they were."""
        attempts = make_attempts(settings=AttemptSettings(bodies=False))
        attempts.start()
        self.record(attempts, 1)
        (stored,) = attempts.page(Query()).attempts
        assert (stored.attempt.request_body, stored.attempt.request_bytes) == (b"", len(BODY))
        attempts.close()

    def test_pages(self, attempts: Attempts) -> None:
        """Newest first, each attempt once, however they are cut; nothing behind the last."""
        self.record(attempts, *range(1, 201))
        for limit in (7, 64, 200, 500):
            seen: list[int] = []
            before: int | None = None
            while True:
                page = attempts.page(Query(), before=before, limit=limit)
                seen += [each.attempt.position for each in page.attempts]
                before = page.before
                if before is None:
                    break
            assert seen == list(range(200, 0, -1))

    def test_what_is_asked_for(self, attempts: Attempts) -> None:
        """By destination, failure, class of status, event, position, time; together, all of them hold."""
        self.record(attempts, 1, 2, 3)
        self.record(attempts, 1, 4, to="mail", status=500)
        self.record(attempts, 5, to="mail", status=404)
        self.record(attempts, 6, status=302)
        self.record(attempts, 7, to="mail", status=None)

        def positions(**asked: Any) -> list[int]:
            return sorted(each.attempt.position for each in attempts.page(Query(**asked)).attempts)

        assert positions(destination="mail") == [1, 4, 5, 7]
        assert positions(destination="nobody") == []
        assert positions(failed=True) == [1, 4, 5, 6, 7]
        assert positions(failed=True, destination="crm") == [6]
        assert positions(status="5xx") == [1, 4]
        assert positions(status="2xx") == [1, 2, 3]
        assert positions(status="2xx", failed=True) == []
        assert positions(status="none", destination="mail") == [7]
        assert positions(status="none", destination="crm") == []
        assert positions(event_id="id-1") == positions(position=1) == [1, 1]
        assert positions(event_id="id-1", destination="crm") == [1]
        assert positions(event_id="id-9") == positions(position=9) == []
        assert positions(since=NOON + timedelta(seconds=5)) == [5, 6, 7]
        assert positions(until=NOON + timedelta(seconds=3)) == [1, 1, 2]

    def test_more_than_once(self, attempts: Attempts) -> None:
        """All attempts of an event are found, newest first, in pages too."""
        for number in range(1, 6):
            self.record(attempts, 9, status=500, number=number)
        found = attempts.page(Query(event_id="id-9"), limit=3)
        assert [each.attempt.number for each in found.attempts] == [5, 4, 3]
        rest = attempts.page(Query(event_id="id-9"), before=found.before, limit=3)
        assert ([each.attempt.number for each in rest.attempts], rest.before) == ([2, 1], None)

    def test_age(self, attempts: Attempts) -> None:
        """What began longer than `keep_s` ago goes, the rest stays, and ids are never given twice."""
        later = NOON + timedelta(days=6)
        self.record(attempts, 1, 2)
        self.record(attempts, 3, began_at=later)
        before = attempts.page(Query()).attempts[0].id
        assert attempts.maintain(later) == 0
        assert attempts.maintain(later + timedelta(days=2)) == 2
        assert [each.attempt.position for each in attempts.page(Query()).attempts] == [3]
        assert attempts.page(Query(event_id="id-1")).attempts == []
        assert attempts.maintain(later + timedelta(days=8)) == 1
        self.record(attempts, 4)
        assert attempts.page(Query()).attempts[0].id > before

    def test_times_that_are_out_of_order(self, attempts: Attempts) -> None:
        """An attempt that took long, and a clock that was set back, are found by when they began."""
        recorder = attempts.recorder("crm")
        slow = recorder.begin(sending(1))
        for minute in range(1, 9):
            self.record(attempts, 10 + minute, began_at=NOON + timedelta(minutes=minute / 2))
        recorder.end(slow, ending())
        self.settle(attempts)
        self.record(attempts, 30, began_at=NOON - timedelta(hours=1))
        self.record(attempts, 31, began_at=NOON + timedelta(hours=1))

        def positions(**asked: Any) -> set[int]:
            return {each.attempt.position for each in attempts.page(Query(**asked)).attempts}

        assert positions(until=NOON + timedelta(seconds=20)) == {1, 30}
        assert positions(until=NOON) == {30}
        assert positions(since=NOON + timedelta(minutes=4)) == {18, 31}
        assert positions(since=NOON, until=NOON + timedelta(minutes=1)) == {1, 11}
        assert positions(since=NOON + timedelta(hours=2)) == set()
        assert positions(until=NOON - timedelta(hours=2)) == set()

    def test_odd_text(self, attempts: Attempts) -> None:
        """Half characters, which a server's header may hold, and an id of any text, do no harm."""
        recorder = attempts.recorder("crm")
        key = recorder.begin(sending(1, event_id="\ud800 ü"))
        recorder.end(key, ending(headers=[("server", "caf\udce9")], reason="\udcff"))
        self.settle(attempts)
        (stored,) = attempts.page(Query(position=1)).attempts
        assert stored.attempt.event_id.endswith(" ü")
        assert stored.attempt.response_headers[0][0] == "server"

    def test_nothing_begun_is_nothing_ended(self, attempts: Attempts) -> None:
        """Where there was no room for a beginning, its end does nothing."""
        attempts.recorder("crm").end(None, ending())
        self.record(attempts, 1)
        assert len(attempts.page(Query()).attempts) == 1
