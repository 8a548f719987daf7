"""One `send`: what is under way side by side, how fast, for how long, and what is left for the next time."""

import asyncio
from collections.abc import Sequence
from unittest import mock

import pytest
from msgspec import Raw

from tests.destinations.webhook.tools import Clock, Fake, header
from trackside.destinations.base import DELIVERED, FILTERED, Delivery, Outcome, Retry, Unsent
from trackside.destinations.webhook.turn import LONGEST_S
from trackside.outbound.base import Outgoing
from trackside.testing.destination_contract import deliveries, make_event
from trackside.testing.outbound import Reply, answer


class Slow:
    """A script whose answers take a while; it counts what is under way."""

    def __init__(self, clock: Clock, seconds: float, status: int = 200) -> None:
        self.clock = clock
        self.seconds = seconds
        self.status = status
        self.under_way = self.most = 0

    async def __call__(self, request: Outgoing) -> Reply:
        """Answer after a while."""
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        for _ in range(5):
            await asyncio.sleep(0)  # let others begin
        await self.clock.sleep(self.seconds)
        self.under_way -= 1
        return answer(self.status)


@pytest.mark.parametrize("concurrency", [1, 3, 8])
def test_concurrency(concurrency: int) -> None:
    """So many requests are under way at a time, and no more."""
    clock = Clock()
    slow = Slow(clock, 0.001)
    fake = Fake(slow, clock=clock, concurrency=concurrency)
    assert fake.send_numbers(*range(1, 41)) == [DELIVERED] * 40
    assert slow.most == concurrency


def test_a_long_send_ends_early() -> None:
    """After two seconds nothing more begins: what was sent can be written down, the rest comes again."""
    clock = Clock()
    fake = Fake(Slow(clock, 0.5), clock=clock, concurrency=1)
    outcomes = fake.send_numbers(*range(1, 11))
    assert outcomes == [DELIVERED] * 4 + [Unsent()] * 6
    assert clock.elapsed_s == LONGEST_S


def test_one_that_takes_longer_than_a_turn() -> None:
    """However slow an endpoint is, each send gets at least one event through."""
    clock = Clock()
    fake = Fake(Slow(clock, 30.0), clock=clock, concurrency=1)
    assert fake.send_numbers(1, 2) == [DELIVERED, Unsent()]
    assert fake.send_numbers(2) == [DELIVERED]


@pytest.mark.parametrize(("rate_per_s", "sent"), [(10.0, 21), (1.0, 2), (0.7, 2)])
def test_rate(rate_per_s: float, sent: int) -> None:
    """A turn's time is full of evenly spread requests; the rest waits in the log, and nothing has failed."""
    fake = Fake(rate_per_s=rate_per_s)
    outcomes = fake.send_numbers(*range(1, 101))
    assert outcomes.count(DELIVERED) == pytest.approx(sent, abs=1)
    (left,) = set(outcomes) - {DELIVERED}
    assert isinstance(left, Unsent)
    assert left.reason is None
    assert left.rest_s <= 1.5


def test_a_rate_below_one_in_a_turn() -> None:
    """Where the next moment is far away the destination rests until then, and holds up no stop."""
    fake = Fake(rate_per_s=0.1)
    for first, left in (fake.send_numbers(1, 2), (DELIVERED, *fake.send_numbers(2))):
        assert first == DELIVERED
        assert isinstance(left, Unsent)
        assert left.rest_s == pytest.approx(9.9)
        assert left.reason is None
    fake.clock.elapsed_s += 10.0
    assert fake.send_numbers(2) == [DELIVERED]


def test_the_rate_over_a_minute() -> None:
    """Fault 27: a backlog drains at its rate and not faster, turn after turn."""
    clock = Clock()
    fake = Fake(clock=clock, rate_per_s=5.0)
    left: Sequence[Delivery] = deliveries(*range(1, 1_001))
    while clock.elapsed_s < 60:
        outcomes = fake.send(left)
        left = left[outcomes.count(DELIVERED) :]
        rest = outcomes[-1]
        assert isinstance(rest, Unsent)
        clock.elapsed_s += rest.rest_s
    assert 295 <= len(fake.client.requests) <= 305
    assert fake.ids == [f"event-{number}" for number in range(1, len(fake.ids) + 1)]


def test_the_breaker_stops_a_turn() -> None:
    """Fault 26: after ten failures in a row nothing more is sent, and the rest of the page keeps its attempts."""
    fake = Fake([answer(500)], concurrency=1)
    outcomes = fake.send_numbers(*range(1, 1_001))
    assert len(fake.client.requests) == 10
    assert outcomes[:10] == [Retry(reason="answered 500 Internal Server Error")] * 10
    assert outcomes[10:] == [Unsent(rest_s=5.0, reason="answered 500 Internal Server Error")] * 990


def test_one_probe_at_a_time_until_one_succeeds() -> None:
    """While the breaker is open each send asks once; then more and more may be under way."""
    clock = Clock()
    slow = Slow(clock, 0.0, status=500)
    fake = Fake(slow, clock=clock, concurrency=8)
    fake.send_numbers(*range(1, 101))
    asked = len(fake.client.requests)
    for rest_s in (5.0, 10.0, 20.0):
        clock.elapsed_s += rest_s
        outcomes = fake.send_numbers(*range(1, 101))
        assert len(fake.client.requests) == asked + 1
        assert outcomes[1:] == [Unsent(rest_s=2 * rest_s, reason="answered 500 Internal Server Error")] * 99
        asked += 1
    clock.elapsed_s += 40.0
    slow.status = 200
    slow.most = 0
    assert fake.send_numbers(*range(1, 101)) == [DELIVERED] * 100
    assert slow.most == 8


def test_those_under_way_when_it_opens_are_counted() -> None:
    """The outcome of each request that was sent is told, also when the endpoint is left alone meanwhile."""
    clock = Clock()
    fake = Fake(Slow(clock, 0.01, status=500), clock=clock, concurrency=8)
    outcomes = fake.send_numbers(*range(1, 51))
    tried = [outcome for outcome in outcomes if isinstance(outcome, Retry)]
    assert len(tried) == len(fake.client.requests) <= 10 + 7
    assert outcomes[: len(tried)] == tried


def test_events_that_are_not_asked_for_wait_for_nothing() -> None:
    """What a webhook does not want takes no moment and no place of those it wants."""
    fake = Fake(rate_per_s=0.5, where={"name": "Wanted"})
    assert fake.send_numbers(*range(1, 1_001)) == [FILTERED] * 1_000
    assert fake.clock.elapsed_s == 0.0


def test_bodies_are_made_of_what_is_sent() -> None:
    """A page of which little is sent costs little: bodies are made when their turn comes."""
    clock = Clock()
    fake = Fake(Slow(clock, 1.0), clock=clock, concurrency=1)
    with mock.patch.object(fake.webhook._bodies, "make", wraps=fake.webhook._bodies.make) as make:
        fake.send_numbers(*range(1, 101))
    assert [call.args[0].id for call in make.call_args_list] == ["event-1", "event-2"]


def test_cancelling_leaves_nothing_behind() -> None:
    """Fault 20: a send that is cancelled at a stop takes all of its requests with it."""

    async def scenario() -> None:
        four = asyncio.Event()

        async def never(request: Outgoing) -> Reply:
            if len(fake.client.requests) == 4:
                four.set()
            await asyncio.get_running_loop().create_future()
            raise AssertionError

        fake = Fake(never, concurrency=4)
        await fake.webhook.open(None)
        sending = asyncio.create_task(fake.webhook.send(deliveries(*range(1, 11))))
        await four.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scenario())


def test_a_client_that_raises_ends_the_send() -> None:
    """What nobody foresaw is raised to the worker, which sends the whole group again."""

    def broken(request: Outgoing) -> Reply:
        raise RuntimeError

    fake = Fake(broken)
    with pytest.raises(RuntimeError):
        fake.send_numbers(1, 2, 3)


def test_a_moment_that_comes_too_late_is_not_used() -> None:
    """What waits for its moment is not sent once the endpoint wants to be left alone."""
    clock = Clock()

    async def one_then_rest(request: Outgoing) -> Reply:
        await asyncio.sleep(0)
        return answer(503, headers={"Retry-After": "60"})

    fake = Fake(one_then_rest, clock=clock, rate_per_s=10.0, concurrency=8)
    outcomes: list[Outcome] = fake.send_numbers(*range(1, 9))
    assert len(fake.client.requests) <= 3
    assert isinstance(outcomes[-1], Unsent)
    assert outcomes[-1].reason == "answered 503 Service Unavailable"


def test_attempts_are_told() -> None:
    """Each request says which attempt of its event it is."""
    fake = Fake()
    fake.send([Delivery(1, make_event(1, data=Raw(b"{}")), 4)])
    assert header(fake.client.requests[0], "trackside-attempt") == "4"
