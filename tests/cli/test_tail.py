"""tail prints the newest events, or those since a moment."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from msgspec import Raw, structs

from tests.cli.conftest import Place, event
from trackside.log.sqlite import SQLiteLog


def positions(place: Place, *arguments: str) -> list[int]:
    return [line["position"] for line in place.lines("tail", *arguments)]


def test_whole_events(place: Place) -> None:
    """--json prints every field of an event and its position, data as JSON."""
    place.append([event(1, data=Raw(b'{"price":1.50,"big":12345678901234567890}'), anonymous_id="a")])
    result = place.run("tail", "--json")
    assert '"data":{"price":1.50,"big":12345678901234567890}' in result.stdout
    (line,) = place.lines("tail")
    assert {
        key: line[key] for key in ("position", "id", "name", "type", "source", "user_id", "anonymous_id")
    } == {
        "position": 1,
        "id": "id-1",
        "name": "Item Purchased",
        "type": "track",
        "source": "web",
        "user_id": "user-1",
        "anonymous_id": "a",
    }
    assert line["context"] == {"ip": "203.0.113.7"}
    assert line["received_at"] == "2026-11-20T12:00:01Z"


def test_a_position_beyond_all(place: Place) -> None:
    """However large the number is, there is nothing after it."""
    place.append([event(1)])
    for position in ("2", str(2**63 - 1), "9" * 30):
        assert positions(place, "--since", position) == []


def test_the_last_ones(place: Place) -> None:
    """Without a start it is the last events, or the last of a name, however far back they are."""
    place.append([event(number, name="rare" if number % 400 == 0 else "often") for number in range(1, 1_001)])
    assert positions(place) == list(range(981, 1_001))
    assert positions(place, "-n", "2") == [999, 1_000]
    assert positions(place, "-n", "0") == []
    assert positions(place, "--name", "ra*", "-n", "1") == [800]
    assert positions(place, "--name", "rare", "--limit", "5") == [400, 800]
    assert positions(place, "--name", "none") == []


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ("0", [1, 2, 3, 4, 5]),
        ("4", [4, 5]),
        ("9", []),
        ("2026-11-20T12:00:03+00:00", [3, 4, 5]),
        ("2027-01-01T00:00", []),
    ],
)
def test_since(place: Place, since: str, expected: list[int]) -> None:
    """A position, or a time, is where it begins."""
    place.append([event(number) for number in range(1, 6)])
    assert positions(place, "--since", since) == expected
    assert positions(place, "--since", since, "--limit", "2") == expected[:2]


def test_since_an_age(place: Place) -> None:
    """10m is ten minutes ago."""
    now = datetime.now(UTC)
    received = {1: now - timedelta(hours=1), 2: now - timedelta(minutes=5), 3: now}
    place.append([structs.replace(event(number), received_at=at) for number, at in received.items()])
    assert positions(place, "--since", "10m") == [2, 3]
    assert positions(place, "--since", "1.5h") == [1, 2, 3]


def test_a_moment_nobody_understands(place: Place) -> None:
    """The message says what can be written."""
    result = place.run("tail", "--since", "yesterday")
    assert (result.exit_code, "'yesterday' is no moment; want a position (1200)" in result.stderr) == (
        2,
        True,
    )


def test_for_people(place: Place) -> None:
    """A line has time, name, user, source and the data; nothing from outside steers the terminal."""
    place.append(
        [
            event(1, name="evil\x1b[2J\nname", data=Raw(b'{"a":"' + b"x" * 200 + b'"}')),
            event(2, user_id=None, anonymous_id="anon-1", data=Raw(b"{}")),
            event(3, user_id=None, data=Raw(b"{}")),
        ]
    )
    lines = place.run("tail").output.splitlines()
    assert "\x1b" not in "".join(lines)
    assert "evil\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}name  user-1  web  {" in lines[0]
    assert lines[0].endswith("…")
    assert [line.split("  ", 1)[1].rstrip() for line in lines[1:]] == [
        "Item Purchased  anon-1  web",
        "Item Purchased  -  web",
    ]


def test_follow(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """--follow goes on with what arrives, until Ctrl-C ends it with status 0."""
    place.append([event(1)])
    arriving: list[Callable[[], None]] = [lambda: place.append([event(2)]), lambda: place.append([event(3)])]

    def wait(self: SQLiteLog, after: int, timeout_s: float) -> bool:
        if not arriving:
            raise KeyboardInterrupt
        arriving.pop(0)()
        return True

    monkeypatch.setattr(SQLiteLog, "wait", wait)
    assert positions(place, "--follow") == [1, 2, 3]


def test_follow_up_to_a_limit(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --since and --limit it ends by itself once it has as many."""
    place.append([event(1)])

    def wait(self: SQLiteLog, after: int, timeout_s: float) -> bool:
        place.append([event(after + 1)])
        return True

    monkeypatch.setattr(SQLiteLog, "wait", wait)
    assert positions(place, "--follow", "--since", "1", "--limit", "3") == [1, 2, 3]
