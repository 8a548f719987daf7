"""replay asks for events to be sent again, and shows how far it is."""

from collections.abc import Callable

import pytest

from tests.cli.conftest import NOW, Place, event
from trackside.cli import replay
from trackside.log.base import Progress, Subscription


@pytest.fixture
def subscription(place: Place) -> Subscription:
    place.append([event(number, name="a" if number % 2 else "b") for number in range(1, 11)])
    started = place.log.subscription("tracking_log")
    started.advance(Progress(position=10, delivered=10), now=NOW)
    return started


def test_dry_run(place: Place, subscription: Subscription) -> None:
    """It counts what the destination would get, by its own globs, and asks for nothing."""
    config = place.data_dir / "trackside.toml"
    config.write_text(config.read_text() + 'events = ["a"]\n')
    told = place.json("replay", "--destination", "tracking_log", "--since", "2", "--until", "8", "--dry-run")
    assert told == {"destination": "tracking_log", "first": 2, "last": 8, "events": 3, "state": "dry run"}
    assert subscription.replays() == []


def test_detached(place: Place, subscription: Subscription) -> None:
    """--detach leaves the request for the server; the range ends with the log."""
    told = place.json(
        "replay", "--destination", "tracking_log", "--since", "2026-11-20T12:00:04Z", "--detach"
    )
    assert (told["first"], told["last"], told["state"]) == (4, 10, "requested")
    assert [(each.next, each.until) for each in subscription.replays()] == [(4, 10)]


@pytest.mark.usefixtures("served")
def test_watched(place: Place, subscription: Subscription, monkeypatch: pytest.MonkeyPatch) -> None:
    """It returns when the server has sent everything."""
    steps: list[Callable[[], None]] = [
        lambda: subscription.advance_replay(number(), next_position=7, redelivered=2, checkpoint=None),
        lambda: subscription.advance_replay(number(), next_position=11, redelivered=4, checkpoint=None),
    ]

    def number() -> int:
        return subscription.replays()[0].number

    monkeypatch.setattr(replay, "sleep", lambda _: steps.pop(0)())
    result = place.run("replay", "--destination", "tracking_log", "--since", "5")
    assert result.output.splitlines()[-1] == "tracking_log: positions 5 to 10, 6 events: done"
    assert steps == []


def test_nobody_delivers(place: Place, subscription: Subscription) -> None:
    """Without a server it does not wait for ever, and says when it will happen."""
    result = place.run("replay", "--destination", "tracking_log", "--since", "5")
    assert result.exit_code == 0
    assert "it starts with the next `trackside serve`" in result.stderr
    assert result.stdout == "tracking_log: positions 5 to 10, 6 events: requested\n"


@pytest.mark.usefixtures("served")
def test_paused(place: Place, subscription: Subscription) -> None:
    """A paused destination sends nothing again either."""
    subscription.pause(True)
    result = place.run("replay", "--destination", "tracking_log", "--since", "5")
    assert "it starts with `trackside resume`" in result.stderr


def test_nothing_to_do(place: Place, subscription: Subscription) -> None:
    """A range without events asks for nothing."""
    result = place.run("replay", "--destination", "tracking_log", "--since", "11")
    assert result.output == "tracking_log: nothing to do\n"
    assert subscription.replays() == []
