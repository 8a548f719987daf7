"""replay asks for events to be sent again, and shows how far it is."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from rich.text import Text

from tests.cli.conftest import NOW, Place, event
from trackside.cli import replaying
from trackside.log.subscription import Progress, Subscription


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
    assert told == {
        "destination": "tracking_log",
        "first": 2,
        "last": 8,
        "events": 3,
        "state": "dry run",
        "gone": 0,
    }
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

    monkeypatch.setattr(replaying, "sleep", lambda _: steps.pop(0)())
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


def test_a_rate_and_names_are_kept_with_the_request(place: Place, subscription: Subscription) -> None:
    """Asked for again, it is the same request with the new rate."""
    asked = ("replay", "--destination", "tracking_log", "--since", "2", "--name", "b", "--detach")
    first = place.json(*asked, "--rate", "600/min")
    assert [(each.names, each.rate_per_s) for each in subscription.replays()] == [(("b",), 10)]
    again = place.json(*asked, "--rate", "5/s")
    assert first["number"] == again["number"]
    assert [each.rate_per_s for each in subscription.replays()] == [5]


@pytest.mark.parametrize("rate", ["0/s", "fast", "-1", "10/day", "1e9", "99999999/s"])
def test_what_is_no_rate(place: Place, subscription: Subscription, rate: str) -> None:
    result = place.run("replay", "--destination", "tracking_log", "--since", "2", f"--rate={rate}")
    assert result.exit_code == 2
    assert "is no rate; want events in a time, like 50/s" in result.stderr
    assert subscription.replays() == []


def test_a_dry_run_counts_by_name(place: Place, subscription: Subscription) -> None:
    told = place.json("replay", "--destination", "tracking_log", "--since", "1", "--name", "b", "--dry-run")
    assert (told["events"], told["state"]) == (5, "dry run")
    assert subscription.replays() == []


@pytest.mark.usefixtures("served")
def test_what_was_given_up_is_told(
    place: Place, subscription: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command says so at its end, and the list until somebody saw it."""

    def finish(_: float) -> None:
        (replay,) = subscription.replays()
        subscription.advance_replay(
            replay.number, next_position=11, redelivered=4, checkpoint=None, given_up=2, reason="413"
        )

    monkeypatch.setattr(replaying, "sleep", finish)
    result = place.run("replay", "--destination", "tracking_log", "--since", "5")
    last = "tracking_log: positions 5 to 10, 6 events: done; 4 sent, 2 given up, the last because: 413"
    assert result.stdout.splitlines()[-1] == last
    hint = "tracking_log: replays gave up 2 events; see `trackside replay list`"
    assert hint in place.run("status").stdout
    assert place.json("status")["destinations"]["tracking_log"]["replays_given_up"] == 2
    listed = place.run("replay", "list")
    assert "4 sent, 2 given up, the last because: 413" in listed.stdout
    assert hint not in place.run("status").stdout
    (line,) = place.lines("replay", "list", "--destination", "tracking_log")
    assert (line["destination"], line["redelivered"], line["given_up"]) == ("tracking_log", 4, 2)
    assert line["finished_at"] is not None


def test_cancel(place: Place, subscription: Subscription) -> None:
    """It ends where it is, and stays in the list for a while."""
    number = place.json("replay", "--destination", "tracking_log", "--since", "2", "--detach")["number"]
    told = place.json("replay", "cancel", str(number))
    assert told == {"number": number, "destination": "tracking_log", "state": "cancelled"}
    assert subscription.replays() == []
    assert "cancelled at 0%" in place.run("replay", "list").stdout
    result = place.run("replay", "cancel", str(number))
    assert result.exit_code == 2
    assert "there is no replay 1 under way" in result.stderr


def test_events_that_are_gone(place: Place, subscription: Subscription) -> None:
    """Those that retention removed are told, and the rest is asked for."""
    place.log.maintain(NOW + timedelta(days=5_000))
    place.append([event(number) for number in range(11, 14)])
    result = place.run("replay", "--destination", "tracking_log", "--since", "4", "--detach")
    assert "7 of these events are gone: retention removed them" in result.stderr
    assert [(each.first, each.until) for each in subscription.replays()] == [(11, 13)]
    gone = place.run("replay", "--destination", "tracking_log", "--since", "2", "--until", "9")
    assert gone.stdout == "tracking_log: nothing to do\n"
    assert "8 of these events are gone" in gone.stderr


def test_what_is_missing_is_said(place: Place) -> None:
    assert "Missing option '--destination'" in place.run("replay").stderr
    assert "Missing option '--since'" in place.run("replay", "--destination", "tracking_log").stderr


def test_nothing_was_replayed(place: Place) -> None:
    assert place.run("replay", "list").stdout == "no replays\n"
    assert place.lines("replay", "list") == []


@pytest.mark.usefixtures("served")
def test_progress_on_a_terminal(
    place: Place, subscription: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How many were looked at, sent and given up; a reason that looks like markup is shown as it is."""
    steps = [
        {"next_position": 6, "redelivered": 3, "given_up": 2, "reason": "answered [/500]"},
        {"next_position": 11, "redelivered": 5},
    ]
    shown: list[str] = []

    def advance(_: float) -> None:
        (replay,) = subscription.replays()
        if steps:
            subscription.advance_replay(replay.number, checkpoint=None, **steps.pop(0))  # type: ignore[arg-type]

    def update(self: object, task: object, **fields: object) -> None:
        shown.append(Text.from_markup(str(fields["description"])).plain)

    monkeypatch.setattr(replaying, "sleep", advance)
    monkeypatch.setattr("rich.progress.Progress.update", update)
    place.run("replay", "--destination", "tracking_log", "--since", "1")
    assert shown[0].startswith("to tracking_log: 0 of 10 looked at, 0 sent, ")
    told = "to tracking_log: 5 of 10 looked at, 3 sent, 2 given up, the last because: answered [/500], "
    assert shown[1].startswith(told)
