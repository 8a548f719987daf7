"""drain returns when nothing is left, or says what is."""

import json
from collections.abc import Callable

import pytest

from tests.cli.conftest import NOW, Place, event
from trackside.cli import drain
from trackside.log.subscription import Progress, Subscription, Waiting


@pytest.fixture
def subscription(place: Place) -> Subscription:
    place.append([event(number) for number in range(1, 11)])
    return place.log.subscription("tracking_log")


def waits(position: int) -> Waiting:
    return Waiting(position=position, event=event(position), attempt=1, due_at=NOW, reason="503")


@pytest.mark.usefixtures("served")
def test_it_waits_for_pending_and_retrying(
    place: Place, subscription: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What arrives meanwhile is not waited for."""
    steps: list[Callable[[], object]] = [
        lambda: subscription.advance(Progress(position=7, delivered=7), now=NOW),
        lambda: subscription.advance(Progress(position=10, delivered=2, waiting=[waits(8)]), now=NOW),
        lambda: place.append([event(11), event(12)]),
        lambda: subscription.advance(Progress(settled=[8], delivered=1), now=NOW),
    ]
    monkeypatch.setattr(drain, "sleep", lambda _: steps.pop(0)())
    result = place.run("drain", "--destination", "tracking_log")
    assert (result.exit_code, result.stdout) == (0, "tracking_log: nothing is left\n")
    assert steps == []


@pytest.mark.usefixtures("served", "subscription")
def test_a_timeout_says_what_is_left(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """… and ends with 1."""
    now = [0.0]
    monkeypatch.setattr(drain, "monotonic", lambda: now[0])
    monkeypatch.setattr(drain, "sleep", lambda s: now.__setitem__(0, now[0] + s))
    result = place.run("drain", "--all", "--timeout", "30")
    assert result.exit_code == 1
    assert result.stdout == "tracking_log: 10 pending and 0 retrying are left\n"
    assert 30 <= now[0] < 31


@pytest.mark.usefixtures("served")
def test_a_paused_destination_will_not_drain(place: Place, subscription: Subscription) -> None:
    subscription.pause(True)
    result = place.run("drain", "--destination", "tracking_log", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["drained"] is False
    assert told["destinations"]["tracking_log"] == {
        "pending": 10,
        "retrying": 0,
        "problem": "it is paused",
    }


@pytest.mark.usefixtures("subscription")
def test_without_a_server_it_does_not_wait(place: Place) -> None:
    result = place.run("drain", "--all")
    assert result.exit_code == 1
    assert "no server runs on this data directory" in result.stdout


def test_without_a_server_nothing_may_be_left(place: Place, subscription: Subscription) -> None:
    """What is drained is drained, also when the server is stopped already; dead letters do not count."""
    subscription.advance(Progress(position=10, delivered=10), now=NOW)
    assert place.json("drain", "--all")["drained"] is True


def test_which_destination_has_to_be_said(place: Place) -> None:
    assert place.run("drain").exit_code == 2
    assert place.run("drain", "--all", "--destination", "tracking_log").exit_code == 2
    result = place.run("drain", "--destination", "nobody")
    assert "there is no destination 'nobody'" in result.stderr
