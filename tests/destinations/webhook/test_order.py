"""Each user's events in order: what waits holds what is behind it, and nobody else."""

import asyncio
import random
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from tests.destinations.webhook.tools import Fake, for_user, header, mixed
from trackside.destinations.base import (
    DELIVERED,
    FILTERED,
    Behind,
    Delivery,
    Gone,
    Outcome,
    Refused,
    Retry,
    Unsent,
)
from trackside.destinations.webhook.queues import NOTHING, Queues, queue_of
from trackside.outbound.base import Outgoing
from trackside.testing.destination_contract import make_event
from trackside.testing.outbound import Reply, answer

WAITS = "waits for an earlier event of its user"
FAILED = "answered 500 Internal Server Error"


def failing(*ids: str) -> object:
    """Return a script that answers 500 to these events."""
    return lambda request: answer(500 if header(request, "webhook-id") in ids else 200)


def ordered(script: object = (), **settings: object) -> Fake:
    return Fake(script, ordering="user", **settings)  # type: ignore[arg-type]


def kinds(outcomes: Sequence[Outcome]) -> str:
    """Return one letter for each outcome."""
    return "".join(type(outcome).__name__[0] for outcome in outcomes)


def test_one_after_the_other() -> None:
    """One user's events are never under way together, other users' are."""
    under_way: set[str] = set()
    together: set[int] = set()

    async def slow(request: Outgoing) -> Reply:
        user = str(request.body).split('"user_id":"')[1].split('"')[0]
        assert user not in under_way
        under_way.add(user)
        for _ in range(5):
            await asyncio.sleep(0)
        together.add(len(under_way))
        under_way.remove(user)
        return answer()

    fake = ordered(slow, concurrency=8)
    page = mixed(for_user("a", 1, 3, 5), for_user("b", 2, 4, 6))
    assert fake.send(page) == [DELIVERED] * 6
    assert max(together) == 2
    assert [id_ for id_ in fake.ids if id_ in {"event-1", "event-3", "event-5"}] == [
        "event-1",
        "event-3",
        "event-5",
    ]


def test_the_first_fails_and_those_behind_it_wait() -> None:
    """Fault 29: after a failure the rest of the user's events waits, without an attempt; others' go."""
    fake = ordered(failing("event-1"))
    outcomes = fake.send(mixed(for_user("a", 1, 3, 5), for_user("b", 2, 4)))
    held = Behind(reason=WAITS, after_s=5.05)
    assert outcomes == [Retry(reason=FAILED, after_s=5.0), DELIVERED, held, DELIVERED, held]
    assert "event-3" not in fake.ids


def test_a_later_page_waits_too() -> None:
    """An event that comes while an earlier one of its user waits is not sent before it."""
    fake = ordered(failing("event-1"))
    fake.send(for_user("a", 1))
    fake.clock.elapsed_s += 2
    assert fake.send(for_user("a", 2)) == [Behind(reason=WAITS, after_s=3.05)]
    assert fake.send(for_user("b", 3)) == [DELIVERED]
    fake.client._make = lambda request: answer()
    assert fake.send(for_user("a", 1, attempt=2)) == [DELIVERED]
    assert fake.send(for_user("a", 2)) == [DELIVERED]
    assert fake.ids == ["event-1", "event-3", "event-1", "event-2"]


def test_rows_come_in_any_order() -> None:
    """Within what comes back together the order is the log's, whatever their due times were."""
    fake = ordered(failing("event-1"))
    fake.send(for_user("a", 1, 2, 3))
    fake.client._make = lambda request: answer()
    back = for_user("a", 3, 2) + for_user("a", 1, attempt=2)
    assert fake.send(back) == [DELIVERED] * 3
    assert fake.ids == ["event-1", "event-1", "event-2", "event-3"]


def test_a_poison_head_lets_the_rest_go_when_it_is_dead() -> None:
    """Fault 29: after its last attempt, or refused for good, an event holds nobody any more."""
    fake = ordered(failing("event-1"), max_attempts=3)
    page = for_user("a", 1, 2)
    assert kinds(fake.send(page)) == "RB"
    assert kinds(fake.send(for_user("a", 1, attempt=2) + for_user("a", 2))) == "RB"
    last = fake.send(for_user("a", 1, attempt=3) + for_user("a", 2))
    assert last == [Refused(reason=FAILED), DELIVERED]
    refused = ordered([answer(413), answer(200)])
    assert kinds(refused.send(page)) == "RD"


@pytest.mark.parametrize("attempt", [1, 2, 3])
def test_the_waits_are_those_of_the_schedule(attempt: int) -> None:
    """The queue knows when its head is due, because it says so itself."""
    fake = ordered(failing("event-1"), retry_schedule_s=(10.0, 100.0, 1_000.0))
    (outcome,) = fake.send(for_user("a", 1, attempt=attempt))
    assert outcome == Retry(reason=FAILED, after_s=10.0**attempt)


def test_events_of_nobody_stand_alone() -> None:
    """Without a user there is no order to keep; a visitor has one."""
    fake = ordered(failing("event-1"))
    nobody = [
        Delivery(number, replace(make_event(number), user_id=None, anonymous_id=None)) for number in (1, 2)
    ]
    assert kinds(fake.send(nobody)) == "RD"
    visitor = [
        Delivery(number, replace(make_event(number), user_id=None, anonymous_id="v")) for number in (1, 2)
    ]
    assert kinds(ordered(failing("event-1")).send(visitor)) == "RB"


def test_what_is_not_asked_for_waits_for_nobody() -> None:
    """A filtered event has no row, also where its user's queue is held."""
    fake = ordered(failing("event-1"), where={"id": ("event-1", "event-3")})
    assert fake.send(for_user("a", 1, 2, 3)) == [
        Retry(reason=FAILED, after_s=5.0),
        FILTERED,
        Behind(reason=WAITS, after_s=5.05),
    ]


def test_after_a_restart_the_note_says_who_waits() -> None:
    """What waits in rows is known again, with the same note and no user's name in it."""
    fake = ordered(failing("event-1"))
    fake.send(for_user("a@b.org", 1, 2))
    note = fake.webhook.checkpoint()
    assert note is not None
    assert "a@b.org" not in note
    again = ordered(failing())

    async def scenario() -> None:
        await again.webhook.open(note)

    asyncio.run(scenario())
    assert again.send(for_user("a@b.org", 3)) == [Behind(reason=WAITS, after_s=1.05)]
    assert again.send(for_user("a@b.org", 1, 2, 3)) == [DELIVERED] * 3
    assert again.webhook.checkpoint() == NOTHING


def test_a_note_is_forgotten_when_no_order_is_kept() -> None:
    """With another setting the note is emptied: nobody waits for what was delivered meanwhile."""

    async def note_of(fake: Fake, before: str | None) -> str | None:
        await fake.webhook.open(before)
        return fake.webhook.checkpoint()

    assert asyncio.run(note_of(Fake(), '{"x":[1]}')) == NOTHING
    assert asyncio.run(note_of(Fake(), None)) is None
    assert asyncio.run(note_of(ordered(), "no JSON")) == NOTHING


def test_what_is_left_in_the_middle_of_a_page_holds_later_events() -> None:
    """An event that becomes a row unsent is not passed by the next one of its user."""
    fake = ordered([answer(200), answer(200), answer(410)], concurrency=1)
    outcomes = fake.send(mixed(for_user("a", 1, 2), for_user("b", 3), for_user("c", 4)))
    assert kinds(outcomes) == "DUDG"  # lines take turns: a's second event stands behind b and c
    assert isinstance(outcomes[3], Gone)
    assert isinstance(outcomes[1], Unsent)
    fake.client._replies = [answer(200)]
    assert fake.send(for_user("a", 5)) == [Behind(reason=WAITS, after_s=1.05)]
    assert fake.send(for_user("a", 2)) == [DELIVERED]


def test_any_history_keeps_each_users_order() -> None:
    """Random failures, rows in any order, pages in between: each user's events arrive in order, each once."""
    for seed in range(30):
        choose = random.Random(seed)
        fake = ordered(lambda request, choose=choose: answer(choose.choice((200, 200, 500))), max_attempts=50)
        arrived = _history(fake, choose)
        assert sorted(arrived) == list(range(1, 61))
        for user in range(4):
            mine = [position for position in arrived if position % 4 == user]
            assert mine == sorted(mine)


def _history(fake: Fake, choose: random.Random) -> list[int]:
    """Return the positions in the order they arrived, of a worker that reads pages and tries rows."""
    arrived: list[int] = []
    rows: dict[int, int] = {}
    following = 1
    while following <= 60 or rows:
        fake.clock.elapsed_s += 100
        if following <= 60 and choose.random() < 0.5:
            positions = list(range(following, min(61, following + choose.randint(1, 9))))
            batch = [(position, 1) for position in positions]
            following = positions[-1] + 1
        else:
            batch = [(position, rows[position]) for position in rows if choose.random() < 0.6]
            choose.shuffle(batch)
        page = [each for position, n in batch for each in for_user(str(position % 4), position, attempt=n)]
        seen = len(fake.client.requests)
        outcomes = fake.send(page)
        delivered = {each.position for each, out in zip(page, outcomes, strict=True) if out is DELIVERED}
        sent = [int(header(each, "webhook-id")[6:]) for each in fake.client.requests[seen:]]
        arrived += [position for position in sent if position in delivered]
        for (position, attempt), outcome in zip(batch, outcomes, strict=True):
            rows.pop(position, None)
            if outcome is not DELIVERED:
                rows[position] = attempt + isinstance(outcome, Retry)
    return arrived


def test_queues() -> None:
    """A queue holds what is behind its first position, and forgets what left."""
    queues = Queues(lambda: 0.0)
    queues.wait("q", 5)
    queues.wait("q", 3, due_s=7.0)
    assert [queues.holds("q", position) for position in (2, 3, 4, 5, 6)] == [False, False, True, True, True]
    assert not queues.holds("other", 9)
    assert queues.due_s("q") == 7.0
    assert queues.note() == '{"q":[3,5]}'
    queues.leave("q", 3)
    queues.leave("q", 3)
    queues.leave("other", 1)
    assert not queues.holds("q", 5)
    queues.leave("q", 5)
    assert queues.note() == NOTHING
    assert queue_of(make_event(1)) != queue_of(make_event(2))
