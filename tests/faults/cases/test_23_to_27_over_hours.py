"""Cases 23 to 27: clocks that jump, events that come twice or cannot be sent, endpoints that are down for hours.

The receivers are real. Where a case is about hours (23, 26, 27), the engine's clock runs many times as fast as the
world's, so that an hour of waiting is over in a few seconds; the requests themselves take the time they take.
"""

import time
from collections import Counter
from pathlib import Path

import pytest
from msgspec import Raw
from msgspec.structs import replace

from tests.destinations.webhook.receiver import Received, Receiver, Reply
from tests.e2e.running import eventually
from tests.faults.cases.delivering import (
    RETRY_S,
    Delivering,
    FastTiming,
    endpoint,
    resident_bytes,
)
from trackside.testing.log_values import make_event

pytestmark = pytest.mark.faults

HOUR_S = 3_600.0


def down(request: Received) -> Reply:
    return Reply(status=503)


@pytest.mark.parametrize("jump_s", [HOUR_S, -HOUR_S, 0.5])
def test_23_a_clock_that_jumps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump_s: float) -> None:
    """An hour on or back, a step of NTP: no storm of retries, and nothing is stuck; on a clock 1,200 times as fast."""
    timing = FastTiming(monkeypatch, speed=1_200.0)
    settings = {"timeout_s": 15.0, "retry_schedule_s": (30.0,) + (120.0,) * 200, "concurrency": 4}
    with Receiver(down) as receiver:
        with Delivering(tmp_path, crm=endpoint(receiver.url, **settings)) as delivering:
            delivering.send(*range(1, 31))
            assert eventually(lambda: timing.monotonic() > 300)
            before = len(receiver.requests)
            timing.step = lambda: jump_s
            assert eventually(lambda: timing.monotonic() > 900)
            during = len(receiver.requests) - before
            assert during <= 25  # about one probe a minute, and what was under way
            receiver.answer = lambda request: Reply()
            back_s = timing.monotonic()
            state = delivering.until_delivered(30)
            took_s = timing.monotonic() - back_s
        assert state.dead == 0
        assert took_s < HOUR_S + 900  # rows that were due before the clock went back are due an hour later
        assert Counter(receiver.taken) == Counter(f"event-{number}" for number in range(1, 31))


def test_24_one_event_twice_and_two_that_deliver(tmp_path: Path) -> None:
    """What is published again with its id is one event; of two engines on one log one delivers, each event once."""
    with Receiver(lambda request: Reply(delay_s=0.01)) as receiver:
        settings = endpoint(receiver.url, concurrency=4)
        with Delivering(tmp_path, crm=settings) as one, Delivering(tmp_path, crm=settings) as two:
            assert eventually(lambda: one.engine.active or two.engine.active)
            for delivering in (one, two, one):
                delivering.send(*range(1, 101))
            one.until_delivered(100)
            assert not (one.engine.active and two.engine.active)
            first, second = (one, two) if one.engine.active else (two, one)
            first.engine.stop(5.0)
            second.send(101)
            second.until_delivered(101)
            assert second.engine.active
        assert Counter(receiver.ids) == Counter(f"event-{number}" for number in range(1, 102))


def test_25_events_that_cannot_be_sent(tmp_path: Path) -> None:
    """Each kind of poison ends as a dead letter that says why, at once or after its tries; all others arrive."""
    statuses = {"event-3": 413, "event-5": 422}
    with Receiver(lambda request: Reply(status=statuses.get(request.id, 200))) as receiver:
        settings = endpoint(receiver.url, retry_schedule_s=(RETRY_S, RETRY_S), fields=("data",))
        with Delivering(tmp_path, crm=settings) as delivering:
            events = [make_event(number) for number in range(1, 31)]
            events[0] = replace(events[0], data=Raw(b'{"huge":-' + b"9" * 9_000 + b"}"))
            events[14] = replace(events[14], data=Raw(b'{"huge":' + b"9" * 5_000 + b"}"))
            delivering.put(*events)
            state = delivering.until(lambda state: state.dead == 4)
            state = delivering.until_delivered(26)
            letters = {
                letter.position: (letter.attempts, letter.reason)
                for letter in delivering.log.subscription("crm").dead_letters()
            }
        assert (state.retrying, state.position) == (0, 30)
        assert letters[3] == (1, "answered 413 Request Entity Too Large")
        assert letters[5][0] == 3
        assert letters[5][1].startswith("answered 422 ")
        for number in (1, 15):
            assert letters[number][0] == 1
            assert letters[number][1].startswith("cannot be made a body: ")
        times = Counter(receiver.ids)
        assert times == Counter({**{f"event-{n}": 1 for n in range(2, 31) if n not in (5, 15)}, "event-5": 3})


HEALTHY = 50
BACKLOG = 10_000
MUCH_BYTES = 64 * 2**20


def test_26_one_that_is_down_for_six_hours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The healthy ones have each event as soon as without it; it is asked about once a minute, and memory stays flat.

    10,000 events wait, and 50 others are healthy. Their lag is measured on the world's clock; then six hours pass on
    one that runs 8,000 times as fast.
    """
    timing = FastTiming(monkeypatch)
    names = [f"e{number}" for number in range(HEALTHY)]

    def answer(request: Received) -> Reply:
        return Reply(status=503) if request.path == "/hook/down" else Reply()

    with Receiver(answer) as receiver:
        healthy = {name: endpoint(f"{receiver.url}/{name}", events=("Lesson Opened",)) for name in names}
        dead = endpoint(f"{receiver.url}/down", concurrency=4, retry_schedule_s=(300.0,) * 100)
        with Delivering(tmp_path / "without", **healthy) as delivering:
            alone_s = slowest_s(delivering, receiver, names, 1)
        with Delivering(tmp_path / "with", **healthy, down=dead) as delivering:
            for first in range(1, BACKLOG, 1_000):
                delivering.send(*range(first, first + 1_000), name="For One")
            for name in names:
                delivering.until(lambda state: state.filtered == BACKLOG, name)
            before = resident_bytes()
            beside_s = slowest_s(delivering, receiver, names, BACKLOG + 1)
            assert beside_s <= alone_s * 1.2 + 0.3
            timing.run_at(8_000.0)
            asked = of_the_dead(receiver)
            began_s = timing.monotonic()
            assert eventually(lambda: timing.monotonic() - began_s > 6 * HOUR_S)
            state = delivering.state("down")
            assert of_the_dead(receiver) - asked < 6 * 60 * 1.5
            assert (state.delivered, state.dead) == (0, 0)
            assert state.retrying <= of_the_dead(receiver)
            assert resident_bytes() - before < MUCH_BYTES


def of_the_dead(receiver: Receiver) -> int:
    return sum(request.path == "/hook/down" for request in receiver.requests)


def slowest_s(delivering: Delivering, receiver: Receiver, names: list[str], first: int) -> float:
    """Return how long it took at most until one of ten events was everywhere, the slowest of them left out."""
    waits: list[float] = []
    for number in range(first, first + 10):
        asked = len(receiver.requests)
        delivering.send(number)
        sent_at = time.monotonic()
        wanted = f"event-{number}"

        def there(wanted: str = wanted, asked: int = asked) -> bool:
            arrived = [each for each in receiver.requests[asked:] if each.path != "/hook/down"]
            return sum(each.id == wanted for each in arrived) >= len(names)

        assert eventually(there)
        waits.append(max(each.at for each in receiver.requests if each.id == wanted) - sent_at)
    return sorted(waits)[-2]


RATE_PER_S = 500.0
WAITING = 2_000


def test_27_one_that_comes_back_with_a_backlog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is filled at its rate and no faster, oldest first, and it never has to say that it is too much.

    It was down for an hour of a clock that ran 2,000 times as fast; it is filled on the world's. The receiver answers
    429 to whatever goes beyond twice the rate within a second.
    """
    timing = FastTiming(monkeypatch)
    taken_at: list[float] = []
    too_many: list[str] = []

    def limited(request: Received) -> Reply:
        if not taken_at:
            timing.run_at(1.0)
        now = timing.monotonic()
        if sum(at > now - 1.0 for at in taken_at[-int(RATE_PER_S * 4) :]) >= RATE_PER_S * 2:
            too_many.append(request.id)
            return Reply(status=429)
        taken_at.append(now)
        return Reply()

    with Receiver(down) as receiver:
        settings = {"rate_per_s": RATE_PER_S, "concurrency": 8, "retry_schedule_s": (60.0,) * 200}
        with Delivering(tmp_path, crm=endpoint(receiver.url, timeout_s=15.0, **settings)) as delivering:
            for first in range(1, WAITING, 500):
                delivering.send(*range(first, first + 500))
            assert eventually(lambda: delivering.state().last_error is not None)
            timing.run_at(2_000.0)
            assert eventually(lambda: timing.monotonic() > HOUR_S)
            assert delivering.state().delivered == 0
            asked = len(receiver.requests)
            receiver.answer = limited
            assert eventually(lambda: len(receiver.taken) > 10)
            began_s = timing.monotonic()
            state = delivering.until_delivered(WAITING)
            took_s = timing.monotonic() - began_s
        assert (state.dead, state.retrying, too_many) == (0, 0, [])
        assert len(receiver.requests) - asked == WAITING
        assert Counter(receiver.taken) == Counter(f"event-{number}" for number in range(1, WAITING + 1))
        assert took_s >= (WAITING - RATE_PER_S) / RATE_PER_S
        order = [int(id_.removeprefix("event-")) for id_ in receiver.taken]
        fresh = [number for number in order if number > 100]  # the first were tried while it was down
        # one that the machine holds up for a while is overtaken by those of the seven others that go on meanwhile
        overtaken = int(RATE_PER_S / 4)
        assert sum(later < earlier for earlier, later in zip(fresh, fresh[overtaken:], strict=False)) == 0
