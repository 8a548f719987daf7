"""What is noted in one turn of an event loop goes into the journal together, in time."""

import asyncio
from pathlib import Path

from tests.attempts.tools import opened, settle
from trackside.attempts.base import Query
from trackside.attempts.records import BEGIN, kind_and_key
from trackside.attempts.sqlite import SQLiteAttempts
from trackside.telemetry import catalogue
from trackside.testing.attempt_contract import ending, sending


def kinds(attempts: SQLiteAttempts) -> list[bool]:
    """Return of each record in the journal whether it is a beginning."""
    journal = attempts._writer._journal
    assert journal is not None
    found = journal.records(journal.tail, journal.head)
    return [kind_and_key(record)[0] == BEGIN for _, record in found]


def test_it_is_in_the_journal_before_what_is_scheduled_next(tmp_path: Path) -> None:
    """A client that leaves the sending to the loop sends nothing that is not noted."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        recorder = attempts.recorder("crm")
        recorder.gather(loop)
        with attempts._writer._emptying:
            keys = [recorder.begin(sending(number)) for number in (1, 2, 3)]
            assert kinds(attempts) == []
            sent: asyncio.Future[list[bool]] = loop.create_future()
            loop.call_soon(lambda: sent.set_result(kinds(attempts)))
            assert await sent == [True, True, True]
            for key in keys:
                recorder.end(key, ending())
            await asyncio.sleep(0)
            assert kinds(attempts) == [True] * 3 + [False] * 3

    attempts = opened(tmp_path)
    attempts.start()
    asyncio.run(main())
    settle(attempts)
    assert [each.attempt.position for each in attempts.page(Query()).attempts] == [3, 2, 1]
    attempts.close()


def test_several_destinations_of_a_loop_go_together(tmp_path: Path) -> None:
    """Each attempt is found under its own name."""

    async def main() -> None:
        for number, name in enumerate(("crm", "shop", "crm"), 1):
            recorder = attempts.recorder(name)
            recorder.gather(asyncio.get_running_loop())
            recorder.end(recorder.begin(sending(number)), ending())

    attempts = opened(tmp_path)
    attempts.start()
    asyncio.run(main())
    settle(attempts)
    found = attempts.page(Query(destination="crm")).attempts
    assert [each.attempt.position for each in found] == [3, 1]
    assert len(attempts.page(Query(destination="shop")).attempts) == 1
    attempts.close()


def test_closing_keeps_what_was_gathered_last(tmp_path: Path) -> None:
    """The loop need not turn once more."""

    async def main() -> None:
        recorder = attempts.recorder("crm")
        recorder.gather(asyncio.get_running_loop())
        recorder.end(recorder.begin(sending(1)), ending())
        attempts.close()

    attempts = opened(tmp_path)
    attempts.start()
    asyncio.run(main())
    again = opened(tmp_path)
    assert len(again.page(Query()).attempts) == 1
    again.close()


def test_where_not_all_has_room_what_has_is_kept(tmp_path: Path) -> None:
    """What has none is counted under its destination's name; what had begun can end."""

    async def main() -> None:
        crm, late = attempts.recorder("crm"), attempts.recorder("late")
        for recorder in (crm, late):
            recorder.gather(asyncio.get_running_loop())
        with attempts._writer._emptying:
            keys = [crm.begin(sending(number, body=bytes(1_000))) for number in range(1, 11)]
            lost = late.begin(sending(11, body=bytes(60_000)))
            for key in keys:
                crm.end(key, ending())
            late.end(lost, ending())
            await asyncio.sleep(0)

    attempts = opened(tmp_path, ring_bytes=65_536)
    attempts.start()
    asyncio.run(main())
    settle(attempts)
    assert len(attempts.page(Query(destination="crm")).attempts) == 10
    assert attempts.page(Query(destination="late")).attempts == []
    assert catalogue.ATTEMPTS_DROPPED.value("late") == 1
    attempts.close()


def test_what_could_not_begin_takes_nobodys_room(tmp_path: Path) -> None:
    """While the database is away the ring fills up: each attempt without room counts once, nothing stays of it."""

    async def main() -> None:
        recorder = attempts.recorder("away")
        recorder.gather(asyncio.get_running_loop())
        with attempts._writer._emptying:
            keys = [recorder.begin(sending(number, body=bytes(1_000))) for number in range(1, 101)]
            await asyncio.sleep(0)
            begun = sum(kinds(attempts))
            for key in reversed(keys):
                recorder.end(key, ending())
            await asyncio.sleep(0)
            assert kinds(attempts) == [True] * begun + [False] * begun

    attempts = opened(tmp_path, ring_bytes=32_768)
    attempts.start()
    asyncio.run(main())
    settle(attempts)
    kept = len(attempts.page(Query(destination="away"), limit=200).attempts)
    assert kept
    assert catalogue.ATTEMPTS_DROPPED.value("away") == 100 - kept
    assert not attempts._writer._given_up
    attempts.close()


def test_an_end_that_cannot_be_noted_leaves_nothing_of_an_attempt_that_could_not_begin(
    tmp_path: Path,
) -> None:
    """It is forgotten once."""

    async def main() -> None:
        recorder = attempts.recorder("odd")
        recorder.gather(asyncio.get_running_loop())
        key = recorder.begin(sending(1, body=bytes(60_000)))
        await asyncio.sleep(0)
        assert key is not None
        attempts._writer.give_up(key)

    attempts = opened(tmp_path, ring_bytes=65_536)
    attempts.start()
    asyncio.run(main())
    settle(attempts)
    assert not attempts._writer._given_up
    attempts.close()
