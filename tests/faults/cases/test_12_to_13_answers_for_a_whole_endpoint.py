"""Cases 12 and 13: what an answer means for the events behind the one it was given to."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.destinations.webhook.receiver import Received, Receiver, Reply
from tests.faults.cases.delivering import BUSY_S, RETRY_S, Delivering, endpoint

pytestmark = pytest.mark.faults

CAP_S = 2.0
"""The longest time that an endpoint is left alone here."""


def in_seconds() -> str:
    return "1"


def as_a_date() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)  # of whole seconds


def absurd() -> str:
    return str(10 * 365 * 86_400)


def negative() -> str:
    return "-60"


def junk() -> str:
    return "soon"


ASKED = [
    (429, in_seconds, 1.0, 1.0),
    (503, in_seconds, 1.0, 1.0),
    (503, as_a_date, 1.0, 2.0),
    (503, absurd, CAP_S, CAP_S),
    (503, negative, 0.0, 0.0),
    (503, junk, 0.0, 0.0),
]


def test_12_a_receiver_that_asks_for_time(tmp_path: Path) -> None:
    """For so long, within the bounds, the whole endpoint gets nothing: not this event, and no other.

    One endpoint for each way to ask; what is negative or no time at all holds up nobody, and the event itself waits as
    its schedule says.
    """
    asked: set[str] = set()

    def answer(request: Received) -> Reply:
        if request.path in asked:
            return Reply()
        asked.add(request.path)
        status, says, *_ = ASKED[int(request.path.rpartition("/")[2])]
        return Reply(status=status, headers={"Retry-After": says()})

    with Receiver(answer) as receiver:
        endpoints = {
            f"e{number}": endpoint(f"{receiver.url}/{number}", longest_retry_after_s=CAP_S)
            for number in range(len(ASKED))
        }
        with Delivering(tmp_path, **endpoints) as delivering:
            delivering.send(1, 2, 3)
            for name in endpoints:
                state = delivering.until_delivered(3, name)
                assert (state.dead, state.retrying) == (0, 0)
        for number, (status, says, least_s, most_s) in enumerate(ASKED):
            requests = [each for each in receiver.requests if each.path == f"/hook/{number}"]
            assert len(requests) == 4, (status, says)
            rested_s = requests[1].at - requests[0].at
            assert least_s - 0.05 <= rested_s <= most_s + 2 * BUSY_S + 0.3, (status, says)
            (first_s, again_s) = (each.at for each in requests if each.id == "event-1")
            assert again_s - first_s >= max(least_s, RETRY_S * 0.8) - 0.05


def test_13_classes_of_answers(tmp_path: Path) -> None:
    """Which answers end an event at once is a setting: those do, any other failure is tried again."""
    statuses = {"event-1": 400, "event-2": 404, "event-3": 401, "event-4": 500, "event-5": 413}
    failures: dict[str, int] = {}

    def answer(request: Received) -> Reply:
        failures[request.id] = failures.get(request.id, 0) + 1
        back = request.id == "event-4" and failures[request.id] >= 3
        return Reply(status=200 if back else statuses.get(request.id, 200))

    settings = {"refuse_statuses": (400, 404), "retry_schedule_s": (RETRY_S,) * 2}
    with Receiver(answer) as receiver:
        strict, default = (f"{receiver.url}/{name}" for name in ("strict", "default"))
        with Delivering(tmp_path, crm=endpoint(strict, **settings)) as delivering:
            delivering.send(1, 2, 3, 4, 6)
            state = delivering.until(lambda state: state.dead == 3 and state.delivered == 2)
            assert state.retrying == 0
            letters = {
                letter.position: (letter.attempts, letter.reason)
                for letter in delivering.log.subscription("crm").dead_letters()
            }
            outcomes = {number: [each.outcome for each in delivering.tried(number)] for number in (1, 3, 4)}
        assert letters == {
            1: (1, "answered 400 Bad Request"),
            2: (1, "answered 404 Not Found"),
            3: (3, "answered 401 Unauthorized"),
        }
        assert outcomes == {
            1: ["refused"],
            3: ["failed"] * 3,
            4: ["failed", "failed", "delivered"],
        }
        with Delivering(tmp_path, other=endpoint(default, retry_schedule_s=(RETRY_S,))) as delivering:
            delivering.send(5)
            state = delivering.until(lambda state: state.dead == 4, "other")
            attempts = {number: len(delivering.tried(number, "other")) for number in (1, 2, 3, 5)}
        assert attempts == {1: 2, 2: 2, 3: 2, 5: 1}
