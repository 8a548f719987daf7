"""Receivers that are near are looked for before the thread sleeps, others are not."""

import os
from typing import Any

import pytest

pytest.importorskip("pycurl")

from tests.outbound.conftest import HERE, answered, failure, post
from tests.outbound.servers import answering, hang
from tests.outbound.test_blocking import asking, served, slowly
from trackside.outbound.base import Answer, Failed, Fault
from trackside.outbound.curl import nearby
from trackside.outbound.curl.multi import Multi
from trackside.outbound.curl.nearby import MOST_KNOWN, NEAR_S, Nearby

URL = "http://127.0.0.1:8000/hook"


def answer(duration_s: float) -> Answer:
    return Answer(status=200, headers={}, body=b"", duration_s=duration_s)


@pytest.fixture(autouse=True)
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearby, "processors", lambda: 2)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return for how long each wait looks before it sleeps."""
    monkeypatch.setenv("TRACKSIDE_HTTP_CLIENT", "curl")
    found: list[float] = []
    turn = Multi.turn

    def noted(self: Multi, wait_s: float = 0.0, *, look_s: float = 0.0) -> Any:
        found.append(look_s)
        return turn(self, wait_s, look_s=look_s)

    monkeypatch.setattr(Multi, "turn", noted)
    return found


def test_the_last_answer_decides() -> None:
    """Whoever answers soon is near until an answer takes longer, or none comes."""
    known = Nearby()
    assert known.look_s(URL) == 0
    known.heed(URL, answer(NEAR_S / 2))
    assert (known.look_s(URL), known.look_s(URL + "/other")) == (NEAR_S, 0)
    known.heed(URL, answer(NEAR_S * 2))
    assert known.look_s(URL) == 0
    known.heed(URL, answer(NEAR_S))
    known.heed(URL, Failed(fault=Fault.RESET, detail="torn down"))
    assert known.look_s(URL) == 0


def test_nobody_is_near_on_one_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearby, "processors", lambda: 1)
    known = Nearby()
    known.heed(URL, answer(0))
    assert known.look_s(URL) == 0


def test_what_is_known_is_bounded() -> None:
    known = Nearby()
    for number in range(MOST_KNOWN + 1):
        known.heed(f"{URL}/{number}", answer(0))
    assert known.look_s(f"{URL}/0") == 0
    assert known.look_s(f"{URL}/{MOST_KNOWN}") == NEAR_S


def test_processors_are_those_of_this_process() -> None:
    assert 1 <= nearby.processors() <= (os.cpu_count() or 1)


def test_who_is_near_is_looked_for(looks: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """From the second question on, which is answered all the same; beside others nobody is."""
    monkeypatch.setattr(nearby, "NEAR_S", 5.0)
    with served(answering()) as server, asking(policy=HERE) as client:
        request = post(server.url())
        answered(client.ask([request], budget_s=5)[0])
        assert set(looks) == {0.0}
        looks.clear()
        answered(client.ask([request], budget_s=5)[0])
        assert set(looks) == {5.0}
        looks.clear()
        for each in client.ask([request, request], budget_s=5):
            answered(each)
        assert set(looks) == {0.0}


def test_who_is_slow_is_slept_for(looks: list[float]) -> None:
    with served(slowly(0.02)) as server, asking(policy=HERE) as client:
        for _ in range(3):
            answered(client.ask([post(server.url())], budget_s=5)[0])
    assert set(looks) == {0.0}


def test_looking_ends_in_sleep_and_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was near and answers no more is given up when its time is over, and is not near then."""
    with served(hang) as server, asking(policy=HERE) as client:
        request = post(server.url(), timeout_s=0.3)
        monkeypatch.setattr(Nearby, "look_s", lambda self, url: NEAR_S)
        failed = failure(client.ask([request], budget_s=5)[0], Fault.TIMEOUT, maybe_sent=True)
        assert 0.27 <= failed.duration_s <= 0.6
        monkeypatch.setattr(Nearby, "look_s", lambda self, url: 5.0)
        failed = failure(client.ask([request], budget_s=5)[0], Fault.TIMEOUT, maybe_sent=True)
        assert 0.27 <= failed.duration_s <= 0.6
