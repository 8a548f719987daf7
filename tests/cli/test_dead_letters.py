"""dead-letters lists, retries and discards what a destination refused."""

import pytest

from tests.cli.conftest import NOW, Place, event
from trackside.log.subscription import DeadLetter, Progress, Subscription


@pytest.fixture
def subscription(place: Place) -> Subscription:
    place.append([event(number) for number in range(1, 6)])
    started = place.log.subscription("tracking_log")
    dead = [
        DeadLetter(position=number, event=event(number), attempts=3, died_at=NOW, reason=f"refused {number}")
        for number in (2, 3, 5)
    ]
    started.advance(Progress(position=5, delivered=2, dead=dead), now=NOW)
    return started


@pytest.mark.usefixtures("subscription")
def test_list(place: Place) -> None:
    """For people a row each; --json has the whole event."""
    rows = place.run("dead-letters", "list", "--destination", "tracking_log").output
    assert [line.split()[0] for line in rows.splitlines() if "refused" in line] == ["2", "3", "5"]
    first, *_ = letters = place.lines("dead-letters", "list", "--destination", "tracking_log")
    assert [each["position"] for each in letters] == [2, 3, 5]
    assert (first["reason"], first["attempts"], first["event"]["id"]) == ("refused 2", 3, "id-2")
    limited = place.run("dead-letters", "list", "--destination", "tracking_log", "-n", "1")
    assert "1 of 3 dead letters; more with --limit" in limited.output


def test_retry(place: Place, subscription: Subscription) -> None:
    """Chosen ones wait again, due now; --all takes the rest."""
    told = place.json("dead-letters", "retry", "--destination", "tracking_log", "2", "5")
    assert told == {"destination": "tracking_log", "retried": 2}
    assert (subscription.state().retrying, subscription.state().dead) == (2, 1)
    result = place.run("dead-letters", "retry", "--destination", "tracking_log", "--all")
    assert result.output == "1 dead letters of tracking_log are tried again\n"
    assert (subscription.state().retrying, subscription.state().dead) == (3, 0)


def test_discard(place: Place, subscription: Subscription) -> None:
    """It asks first; no answer keeps everything."""
    asked = place.run("dead-letters", "discard", "--destination", "tracking_log", "--all", stdin="n\n")
    assert (asked.exit_code, subscription.state().dead) == (1, 3)
    assert "Give up 3 dead letters of tracking_log for good?" in asked.output
    told = place.json("dead-letters", "discard", "--destination", "tracking_log", "3")
    assert told["discarded"] == 1
    place.run("dead-letters", "discard", "--destination", "tracking_log", "--all", "--yes")
    state = subscription.state()
    assert (state.dead, state.filtered, state.delivered) == (0, 3, 2)
    empty = place.run("dead-letters", "list", "--destination", "tracking_log")
    assert empty.output == "tracking_log has no dead letters\n"


@pytest.mark.parametrize("arguments", [(), ("2", "--all")])
def test_what_is_meant_has_to_be_said(
    place: Place, subscription: Subscription, arguments: tuple[str, ...]
) -> None:
    """Neither nothing nor both: everything goes only by --all alone."""
    result = place.run("dead-letters", "retry", "--destination", "tracking_log", *arguments)
    assert (result.exit_code, subscription.state().dead) == (2, 3)


def test_pause_and_resume(place: Place, subscription: Subscription) -> None:
    """An operator's wish is kept in the log."""
    assert place.run("pause", "--destination", "tracking_log").output == "tracking_log is paused\n"
    assert subscription.state().paused
    assert place.json("resume", "--destination", "tracking_log") == {
        "destination": "tracking_log",
        "paused": False,
    }
    assert not subscription.state().paused
