"""A webhook behind the real delivery worker, on clocks that are turned by hand."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest
from msgspec.structs import replace

from tests.delivery.tools import ManualTiming, fill, state_of
from tests.destinations.webhook.tools import URL, header
from trackside.config.settings import LogSettings
from trackside.delivery.worker import DeliveryWorker
from trackside.destinations.webhook import Moments, Webhook, WebhookSettings
from trackside.event import Batch
from trackside.log.base import Log, append_and_wait
from trackside.log.memory import MemoryLog
from trackside.outbound.base import Outgoing
from trackside.outbound.signing import new_secret, verify
from trackside.testing.destination_contract import make_event
from trackside.testing.outbound import FakeClient, Reply, answer

HOUR_S = 3_600.0


@pytest.fixture
def log() -> Iterator[MemoryLog]:
    memory = MemoryLog(LogSettings())
    yield memory
    memory.close()


class Place:
    """An endpoint, and the workers that deliver to it one after the other, as over restarts."""

    def __init__(self, log: Log, script: Callable[[Outgoing], Reply], **settings: Any) -> None:
        self.log = log
        self.script = script
        self.settings = WebhookSettings(**{"url": URL, **settings})
        self.timing = ManualTiming()
        self.requests: list[tuple[float, Outgoing]] = []

    def run(self, until: Callable[[], bool]) -> None:
        """Deliver until it holds; fail where that never comes."""
        self.timing.waits = 0
        asyncio.run(self._run(until))
        assert until(), state_of(self.log)

    async def _run(self, until: Callable[[], bool]) -> None:
        webhook = Webhook(self.settings, lambda: FakeClient(self._answer), moments=self._moments())
        worker = DeliveryWorker(
            self.log.subscription("place"),
            self.log,
            webhook,
            self.settings,
            timing=self.timing,
            random=lambda: 0.5,
        )
        self.timing.until, self.timing.when_reached = until, worker.stop
        await asyncio.wait_for(worker.run(), timeout=60)

    def _answer(self, request: Outgoing) -> Reply:
        self.requests.append((self.timing.elapsed_s, request))
        return self.script(request)

    def _moments(self) -> Moments:
        return Moments(
            time_s=lambda: self.timing.now().timestamp(),
            monotonic=self.timing.monotonic,
            sleep=self._sleep,
            random=lambda: 0.5,
        )

    async def _sleep(self, seconds: float) -> None:
        until = self.timing.elapsed_s + seconds
        await asyncio.sleep(0)
        self.timing.elapsed_s = max(self.timing.elapsed_s, until)

    @property
    def ids(self) -> list[str]:
        """The ids of all requests, in order."""
        return [header(request, "webhook-id") for _, request in self.requests]


def well(request: Outgoing) -> Reply:
    return answer(200)


def down(request: Outgoing) -> Reply:
    return answer(503)


def test_500_then_200(log: Log) -> None:
    """A second attempt has the same id and the same bytes, its own time and its own number."""
    fill(log, [1])
    replies = [answer(500), answer(200)]
    place = Place(log, lambda request: replies.pop(0), secret=new_secret(), retry_schedule_s=(5.0, 300.0))
    place.run(lambda: state_of(log).delivered == 1)
    (first_at, first), (second_at, second) = place.requests
    assert (first.body, header(first, "webhook-id")) == (second.body, header(second, "webhook-id"))
    assert [header(each, "trackside-attempt") for each in (first, second)] == ["1", "2"]
    assert second_at - first_at == pytest.approx(5.0, abs=0.5)
    assert header(first, "webhook-timestamp") != header(second, "webhook-timestamp")


def test_11_gone(log: Log) -> None:
    """Fault 11: 410 pauses the destination, says why, and keeps the backlog; a resume goes on from there."""
    fill(log, range(1, 101))
    place = Place(log, lambda request: answer(410 if len(place.requests) > 20 else 200), concurrency=4)
    place.run(lambda: place.timing.elapsed_s > HOUR_S)
    state = state_of(log)
    assert (state.paused, state.delivered, state.dead) == (True, 20, 0)
    assert state.last_error == "answered 410 Gone: it wants no more events"
    assert len(place.requests) <= 24
    place.script = well
    log.subscription("place").pause(False)
    place.run(lambda: state_of(log).delivered == 100)
    assert state_of(log).failing_since is None


def test_12_retry_after(log: Log) -> None:
    """Fault 12: while the endpoint asked to be left alone, nothing is sent: no new event, no waiting one."""
    fill(log, range(1, 11))

    def busy(request: Outgoing) -> Reply:
        return answer(503, headers={"Retry-After": "900"}) if len(place.requests) == 3 else answer(200)

    place = Place(log, busy, concurrency=1)
    place.run(lambda: state_of(log).delivered == 10)
    times = [at for at, _ in place.requests]
    assert times[3] - times[2] == pytest.approx(900, abs=2)
    assert state_of(log).dead == 0


def test_20_a_stop_between_sends_keeps_what_was_sent(log: Log) -> None:
    """Fault 20: a stop ends after the turn that is under way, and nothing of it is sent again."""
    fill(log, range(1, 1_001))
    place = Place(log, well, rate_per_s=100.0)
    place.run(lambda: len(place.requests) >= 300)
    place.run(lambda: state_of(log).delivered == 1_000)
    assert sorted(place.ids) == sorted({f"event-{number}" for number in range(1, 1_001)})


@pytest.mark.parametrize("jump_s", [HOUR_S, -HOUR_S])
def test_23_a_clock_that_jumps(log: Log, jump_s: float) -> None:
    """Fault 23: a step of the wall clock makes neither a storm nor an event that is stuck."""
    fill(log, range(1, 31))
    place = Place(log, down, max_attempts=100, max_backoff_s=600.0)
    now = place.timing.now

    def jumping() -> datetime:
        return now() + timedelta(seconds=jump_s if place.timing.elapsed_s > 300 else 0)

    place.timing.now = jumping  # type: ignore[method-assign]
    place.run(lambda: place.timing.elapsed_s > 900)
    assert len([at for at, _ in place.requests if 300 < at < 900]) <= 12  # about one probe a minute
    place.script = well
    place.run(lambda: state_of(log).delivered == 30)
    assert place.timing.elapsed_s < 900 + HOUR_S + 700


def test_24_one_event_twice(log: Log) -> None:
    """Fault 24: what a client sends twice is one event, and one delivery."""
    fill(log, [1])
    append_and_wait(log, Batch(events=[make_event(1), make_event(2)]))
    place = Place(log, well)
    place.run(lambda: state_of(log).delivered == 2)
    assert place.ids == ["event-1", "event-2"]


def test_25_a_poison_event_ends_as_a_dead_letter(log: Log) -> None:
    """Fault 25: an event that the endpoint never takes dies after its attempts; its neighbours went on."""
    fill(log, range(1, 51))

    def poisoned(request: Outgoing) -> Reply:
        return answer(422 if header(request, "webhook-id") == "event-7" else 200)

    place = Place(log, poisoned, max_attempts=4)
    place.run(lambda: state_of(log).dead == 1)
    assert state_of(log).delivered == 49
    assert place.ids.count("event-7") == 4
    (letter,) = log.subscription("place").dead_letters()
    assert (letter.attempts, letter.reason) == (4, f"answered 422 {HTTPStatus(422).phrase}")


def test_26_an_endpoint_that_is_down_for_long(log: Log) -> None:
    """Faults 26, 27: it is asked about once a minute, few events become rows, none dies, and all arrive."""
    fill(log, range(1, 5_001))
    place = Place(log, down, rate_per_s=200.0)
    place.run(lambda: place.timing.elapsed_s > HOUR_S)
    assert len(place.requests) < 60 + 40
    state = state_of(log)
    assert (state.retrying <= len(place.requests), state.dead, state.delivered) == (True, 0, 0)
    assert state.last_error == "answered 503 Service Unavailable"
    asked = len(place.requests)
    began = place.timing.elapsed_s
    place.script = well
    place.run(lambda: state_of(log).delivered == 5_000)
    assert len(place.requests) - asked == 5_000
    assert place.timing.elapsed_s - began >= 4_000 / 200  # at its rate
    assert place.timing.elapsed_s - began < HOUR_S + 60


def test_28_settings_that_change_while_events_wait(log: Log) -> None:
    """Fault 28: the next attempt goes where, and is signed as, the settings say then."""
    fill(log, [1, 2])
    old, new = new_secret(), new_secret()
    place = Place(log, down, secret=old)
    place.run(lambda: state_of(log).retrying == 2)
    place.script = well
    place.settings = replace(place.settings, secret=new, url="https://crm.example.org/moved")
    place.run(lambda: state_of(log).delivered == 2)
    _, last = place.requests[-1]
    now_s = int(header(last, "webhook-timestamp"))
    assert last.url == "https://crm.example.org/moved"
    assert verify(last.body, dict(last.headers), secrets=[new], now_s=now_s)
    assert not verify(last.body, dict(last.headers), secrets=[old], now_s=now_s)


def test_28_a_filter_that_changes_while_events_wait(log: Log) -> None:
    """Fault 28: what is not asked for any more is counted as filtered, not sent."""
    fill(log, [1, 2])
    place = Place(log, down)
    place.run(lambda: state_of(log).retrying == 2)
    asked = len(place.requests)
    place.settings = replace(place.settings, where={"type": "page"})
    place.run(lambda: state_of(log).filtered == 2)
    assert len(place.requests) == asked


def test_29_order_over_restarts(log: Log) -> None:
    """Fault 29: a user's event that failed holds the later ones, over a restart too; others' go on."""
    events = [replace(make_event(number), user_id=str(number % 2)) for number in range(1, 9)]
    append_and_wait(log, Batch(events=events[:4]))

    def first_fails(request: Outgoing) -> Reply:
        return answer(500 if header(request, "webhook-id") == "event-1" else 200)

    place = Place(log, first_fails, ordering="user", retry_schedule_s=(60.0, 60.0))
    place.run(lambda: state_of(log).retrying == 2)
    append_and_wait(log, Batch(events=events[4:]))
    place.run(lambda: state_of(log).delivered == 4)
    assert [id_ for id_ in place.ids if id_ != "event-1"] == ["event-2", "event-4", "event-6", "event-8"]
    place.run(lambda: state_of(log).delivered == 7)
    assert place.ids[-3:] == ["event-3", "event-5", "event-7"]
    assert state_of(log).dead == 1


def test_a_replay(log: Log) -> None:
    """Events asked for again come again with the id they had, at the rate of everything."""
    fill(log, range(1, 101))
    place = Place(log, well)
    place.run(lambda: state_of(log).delivered == 100)
    log.subscription("place").request_replay(11, 20)
    place.run(lambda: not log.subscription("place").replays())
    assert sorted(place.ids[100:]) == sorted(f"event-{number}" for number in range(11, 21))
    assert state_of(log).redelivered == 10


def test_at_its_rate_neither_new_events_nor_a_replay_starve(log: Log) -> None:
    """Turns of two seconds each, at the rate of both together."""
    fill(log, range(1, 101))
    place = Place(log, well)
    place.run(lambda: state_of(log).delivered == 100)
    fill(log, range(101, 601))
    log.subscription("place").request_replay(1, 100)
    slow = Place(log, well, rate_per_s=20.0)
    slow.run(lambda: not log.subscription("place").replays())
    assert sorted(slow.ids, key=lambda id_: int(id_[6:]))[:100] == [f"event-{n}" for n in range(1, 101)]
    assert 50 <= state_of(log).delivered - 100 <= 250
    slow.run(lambda: state_of(log).delivered == 600)
    assert len(slow.ids) == len(set(slow.ids)) == 600


def test_an_address_that_is_forbidden(log: Log) -> None:
    """The reason is kept for the operator, no attempt is spent, and nothing is lost."""
    fill(log, [1])
    settings = WebhookSettings(url="https://127.0.0.1/hook")
    timing = ManualTiming()

    async def scenario() -> None:
        webhook = Webhook(settings, lambda: FakeClient(), why_not=lambda url: "it is not public")
        worker = DeliveryWorker(log.subscription("place"), log, webhook, settings, timing=timing)
        timing.until, timing.when_reached = lambda: timing.elapsed_s > 60, worker.stop
        await worker.run()

    asyncio.run(scenario())
    state = state_of(log)
    assert (state.position, state.retrying, state.dead) == (0, 0, 0)
    assert state.last_error is not None
    assert state.last_error.startswith("url must not be asked: it is not public; allow_private_networks")
