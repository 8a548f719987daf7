"""forget erases what the data directory holds of a person."""

from typing import Any

import pytest
from msgspec import Raw

from tests.cli.conftest import NOW, Place, event
from trackside.attempts.base import Ending, Query, Sending
from trackside.attempts.sqlite import SQLiteAttempts
from trackside.config.settings import AttemptSettings
from trackside.event import ERASED, Reject
from trackside.log.subscription import DeadLetter, Progress, Waiting
from trackside.sqlite.instants import to_us
from trackside.users.base import User
from trackside.users.file import UserFile

MARK = b"Lovelace"


def hers(number: int, **fields: Any) -> Any:
    return event(number, user_id="42", data=Raw(b'{"name":"%b"}' % MARK), **fields)


def _sending(number: int) -> Sending:
    return Sending(
        position=number,
        event_id=f"id-{number}",
        event_name="Item Purchased",
        number=1,
        began_us=to_us(NOW),
        method="POST",
        url="https://crm.example.org/events",
        headers=[],
        body=MARK,
    )


@pytest.fixture
def _full(place: Place) -> None:
    """Everything that holds something of her: two events, one that waits, one dead, attempts, a reject, a row."""
    rejects = [
        Reject(source="web", received_at=NOW, reason="x", detail="y", body=body)
        for body in (b'{"userId":"42","name":"%b"}' % MARK, b'{"userId":"7"}')
    ]
    place.append([event(1), hers(2, anonymous_id="device-1"), event(3), hers(4), event(5)], rejects)
    place.append([event(6, user_id=None, anonymous_id="device-1", data=Raw(b'{"name":"%b"}' % MARK))])
    place.log.subscription("tracking_log").advance(
        Progress(
            position=6,
            delivered=4,
            waiting=[Waiting(position=2, event=hers(2), attempt=1, due_at=NOW, reason="503")],
            dead=[DeadLetter(position=4, event=hers(4), attempts=3, died_at=NOW, reason="410")],
        ),
        now=NOW,
    )
    store = SQLiteAttempts(place.data_dir, AttemptSettings())
    store.start()
    recorder = store.recorder("crm")
    for number in (1, 2, 4):
        recorder.end(
            recorder.begin(_sending(number)), Ending(outcome="delivered", duration_s=0.1, status=200)
        )
    store.close()
    table = place.data_dir / "users.csv"
    table.write_text("id,username\n42,ada\n7,honor\n")
    place.run("users", "import", str(table))
    table.unlink()


WHOLE = {
    "events": 2,
    "waiting": 1,
    "dead_letters": 1,
    "rejects": 1,
    "through": 6,
    "anonymous_ids": ["device-1"],
    "scrubbed": True,
    "users": 1,
}


@pytest.mark.usefixtures("_full")
def test_everything_goes(place: Place) -> None:
    """First it is said how much there is; then it is gone from every file, and the rest is as it was."""
    assert place.json("forget", "--user-id", "42", "--dry-run") == {**WHOLE, "attempts": 0, "dry_run": True}
    assert place.json("forget", "--user-id", "42") == {**WHOLE, "attempts": 2, "dry_run": False}
    nothing = place.json("forget", "--user-id", "42")
    assert {
        name: nothing[name] for name in ("events", "waiting", "dead_letters", "attempts", "rejects", "users")
    } == {
        "events": 0,
        "waiting": 0,
        "dead_letters": 0,
        "attempts": 0,
        "rejects": 0,
        "users": 0,
    }
    events = place.log.read(0).events
    assert [each.type for each in events] == ["track", ERASED, "track", ERASED, "track", "track"]
    state = place.log.subscription("tracking_log").state()
    assert (state.delivered, state.filtered, state.retrying, state.dead) == (4, 1, 1, 0)
    assert [each.reject.body for each in place.log.rejects()] == [b'{"userId":"7"}']
    assert UserFile(place.data_dir / "users.db").users(after=None, limit=9) == [User(7, "honor")]
    place.json("forget", "--anonymous-id", "device-1")
    held = [path.name for path in place.data_dir.iterdir() if MARK in path.read_bytes()]
    assert held == ["attempts.db"]  # of the event that is nobody's
    store = SQLiteAttempts(place.data_dir, AttemptSettings())
    bodies = {each.attempt.event_id: each.attempt.request_body for each in store.page(Query()).attempts}
    store.close()
    assert bodies == {"id-1": MARK, "id-2": b"", "id-4": b""}


@pytest.mark.usefixtures("_full")
def test_for_people(place: Place) -> None:
    """It says what there is and asks; no answer keeps everything."""
    asked = place.run("forget", "--user-id", "42", stdin="n\n")
    assert asked.exit_code == 1
    assert (
        "there are 2 events of the log, 1 events that wait to be sent again, 1 dead letters" in asked.output
    )
    assert "--anonymous-id device-1" in asked.output
    assert "Erase it for good?" in asked.output
    assert place.json("forget", "--user-id", "42", "--dry-run")["events"] == 2
    told = place.run("forget", "--user-id", "42", stdin="y\n").output
    assert "erased: 2 events of the log" in told
    assert "2 attempts of webhooks, whose bodies are empty now, up to position 6" in told
    again = place.run("forget", "--user-id", "42", "--yes").output
    assert again == "nothing of this person is there, up to position 6\n"


@pytest.mark.usefixtures("_full")
def test_by_name(place: Place) -> None:
    """The table of users is asked by name as well; several ids and names are one person."""
    found = place.json("forget", "--username", "ada", "--user-id", "user-1", "--user-id", "user-3")
    assert (found["events"], found["users"]) == (2, 1)


@pytest.mark.usefixtures("_full")
def test_an_attempt_that_was_under_way(place: Place) -> None:
    """It is written down after its event was erased; the next run empties it."""
    place.json("forget", "--user-id", "42")
    store = SQLiteAttempts(place.data_dir, AttemptSettings())
    store.start()
    recorder = store.recorder("crm")
    recorder.end(recorder.begin(_sending(2)), Ending(outcome="failed", duration_s=0.1, status=503))
    store.close()
    assert place.json("forget", "--user-id", "42")["attempts"] == 1
    assert place.json("forget", "--user-id", "42")["attempts"] == 0


@pytest.mark.usefixtures("_full", "served")
def test_beside_a_server(place: Place) -> None:
    """It is done at once, and says when to do it again."""
    result = place.run("forget", "--user-id", "42", "--yes")
    assert "Run the same command again in a minute" in result.stderr
    assert place.json("forget", "--user-id", "42")["events"] == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "want --user-id, --username or --anonymous-id"),
        (("--user-id", ""), "not empty"),
        (("--user-id", "\udcff"), "UTF-8"),
    ],
)
def test_what_is_meant_has_to_be_said(place: Place, arguments: tuple[str, ...], told: str) -> None:
    """Nothing is erased by an empty id."""
    result = place.run("forget", *arguments)
    assert (result.exit_code, told in result.output) == (2, True)
