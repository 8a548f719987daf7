"""status tells where everything stands, and its numbers add up."""

from datetime import UTC, datetime

import pytest

from tests.cli.conftest import NOW, Place, event
from trackside import hub
from trackside.log.memory import MemoryLog
from trackside.log.subscription import DeadLetter, Progress, Waiting


def test_shape(place: Place) -> None:
    """The JSON has what users rely on, and accepted is the sum of what became of it."""
    place.append([event(number) for number in range(1, 11)])
    place.log.subscription("tracking_log").advance(
        Progress(
            position=7,
            delivered=3,
            filtered=2,
            redelivered=4,
            waiting=[Waiting(position=4, event=event(4), attempt=1, due_at=NOW, reason="busy")],
            dead=[DeadLetter(position=5, event=event(5), attempts=3, died_at=NOW, reason="refused")],
        ),
        now=NOW,
    )
    told = place.json("status")
    assert {key: told["log"][key] for key in ("first", "last", "events", "engine")} == {
        "first": 1,
        "last": 10,
        "events": 10,
        "engine": "sqlite",
    }
    one = told["destinations"]["tracking_log"]
    assert {
        key: one[key] for key in ("state", "position", "delivered", "filtered", "pending", "retrying", "dead")
    } == {
        "state": "stopped",
        "position": 7,
        "delivered": 3,
        "filtered": 2,
        "pending": 3,
        "retrying": 1,
        "dead": 1,
    }
    assert one["redelivered"] == 4
    assert (
        one["accepted"]
        == 10
        == sum(one[key] for key in ("delivered", "filtered", "pending", "retrying", "dead"))
    )


def test_never_started(place: Place) -> None:
    """A destination that never ran has everything before it, and looking does not start it."""
    place.append([event(1), event(2)])
    one = place.json("status")["destinations"]["tracking_log"]
    assert (one["state"], one["pending"], one["accepted"]) == ("stopped", 2, 2)
    assert place.log.subscriptions() == []


@pytest.mark.usefixtures("served")
def test_states(place: Place) -> None:
    """running, waiting with its reason, paused; and removed for one that the file has no longer."""
    subscription = place.log.subscription("tracking_log")
    old = place.log.subscription("old")
    assert place.json("status")["destinations"]["tracking_log"]["state"] == "running"
    subscription.report_failure("disk full", now=datetime.now(UTC))
    told = place.json("status")["destinations"]
    assert (told["tracking_log"]["state"], told["tracking_log"]["last_error"]) == ("waiting", "disk full")
    assert told["old"]["state"] == "removed"
    assert "tracking_log takes nothing since 0 s ago: disk full" in place.run("status").output
    subscription.pause(True)
    old.pause(True)
    told = place.json("status")["destinations"]
    assert (told["tracking_log"]["state"], told["old"]["state"]) == ("paused", "removed")


def test_disabled(place: Place) -> None:
    """A destination that is switched off says so."""
    config = place.data_dir / "trackside.toml"
    config.write_text(config.read_text() + "enabled = false\n")
    assert place.json("status")["destinations"]["tracking_log"]["state"] == "disabled"


def test_for_people(place: Place) -> None:
    """One line for the log, one row for each destination."""
    place.append([event(number) for number in range(1, 1_235)])
    place.log.subscription("tracking_log").advance(Progress(position=1_000, delivered=1_000), now=NOW)
    lines = [line.split() for line in place.run("status").output.splitlines()]
    assert lines[0][:3] == ["log:", "1,234", "events"]
    assert ["tracking_log", "stopped", "1,000", "1,000", "0", "234", "0", "0"] in [line[:8] for line in lines]


def test_memory_engine(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every engine behind the contract is shown the same way."""
    monkeypatch.setattr(hub, "open_log", lambda config: MemoryLog(config.log))
    told = place.json("status")
    assert (told["log"]["engine"], told["log"]["last"]) == ("memory", 0)
