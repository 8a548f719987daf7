"""attempts lists what webhooks sent, and shows one as it was."""

import json
from datetime import timedelta

import pytest

from tests.cli.conftest import NOW, Place, event
from trackside.attempts.base import Ending, Sending
from trackside.attempts.sqlite import SQLiteAttempts
from trackside.config.settings import AttemptSettings
from trackside.log.subscription import Progress, Waiting
from trackside.sqlite.instants import to_us


def _keep(place: Place) -> None:
    store = SQLiteAttempts(place.data_dir, AttemptSettings())
    store.start()
    recorder = store.recorder("crm")
    for number, status in enumerate((200, 503, None, 200), 1):
        key = recorder.begin(
            Sending(
                position=number,
                event_id=f"id-{number}",
                event_name="Item Purchased",
                number=1,
                began_us=to_us(NOW + timedelta(minutes=number)),
                method="POST",
                url="https://crm.example.org/events",
                headers=[("Content-Type", "application/json"), ("webhook-id", f"id-{number}")],
                body=b'{"b":1,"a":"\xc3\xbc"}',
            )
        )
        recorder.end(
            key,
            Ending(
                outcome="delivered" if status == 200 else "failed",
                duration_s=0.25,
                status=status,
                fault=None if status else "timeout",
                reason=None if status == 200 else "too bad",
                headers=[("server", "\x1b[31mevil")],
                body=b"\xff" if number == 4 else b"no\x1b",
                truncated=number == 2,
            ),
        )
    store.close()


@pytest.fixture(autouse=True)
def _kept(place: Place) -> None:
    _keep(place)


def _events(place: Place, *flags: str) -> list[str]:
    return [each["event_id"] for each in place.lines("attempts", "list", *flags)]


def test_list(place: Place) -> None:
    """For people a row each, newest first; --json has everything."""
    rows = place.run("attempts", "list").output
    assert [line.split()[0] for line in rows.splitlines() if "Item" in line] == ["4", "3", "2", "1"]
    assert "timeout" in rows
    newest, *_, second, _ = place.lines("attempts", "list")
    assert (newest["id"], newest["response_body_base64"]) == (4, "/w==")
    assert second["request_body"] == '{"b":1,"a":"ü"}'
    assert second["request_headers"][1] == ["webhook-id", "id-2"]


@pytest.mark.parametrize(
    ("flags", "found"),
    [
        (["--failed"], ["id-3", "id-2"]),
        (["--status", "5xx"], ["id-2"]),
        (["--status", "none"], ["id-3"]),
        (["--event", "id-3"], ["id-3"]),
        (["--position", "1"], ["id-1"]),
        (["--destination", "crm", "-n", "1"], ["id-4"]),
        (["--destination", "nobody"], []),
        (["--since", "2026-11-20T12:03:00+00:00"], ["id-4", "id-3"]),
        (["--until", "2026-11-20T12:02:00+00:00"], ["id-1"]),
    ],
)
def test_what_is_asked_for(place: Place, flags: list[str], found: list[str]) -> None:
    """Each flag leaves out what it does not ask for."""
    assert _events(place, *flags) == found


def test_nothing_found(place: Place) -> None:
    """It says whether there is nothing at all."""
    assert place.run("attempts", "list", "--event", "x").output == "there are no such attempts\n"


def test_show(place: Place) -> None:
    """Request and answer as they were, without what would steer a terminal, and when it is tried next."""
    place.append([event(number) for number in range(1, 5)])
    due = NOW + timedelta(hours=1)
    waits = Waiting(position=2, event=event(2), attempt=1, due_at=due, reason="503")
    place.log.subscription("crm").advance(Progress(position=4, delivered=3, waiting=[waits]), now=NOW)
    shown = place.run("attempts", "show", "2").output
    assert "> POST https://crm.example.org/events\n> Content-Type: application/json\n" in shown
    assert '{"b":1,"a":"ü"}' in shown
    assert "< 503 Service Unavailable\n< server: \N{REPLACEMENT CHARACTER}[31mevil" in shown
    assert "[there was more of it, which was not read]" in shown
    assert "\x1b" not in shown
    assert due.astimezone().isoformat(" ", "milliseconds") in shown
    told = place.json("attempts", "show", "2")
    assert json.dumps(told["next_attempt_at"]) == '"2026-11-20T13:00:00Z"'
    assert place.json("attempts", "show", "1")["next_attempt_at"] is None
    assert "< no answer: timeout" in place.run("attempts", "show", "3").output


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("attempts", "show", "99"), 1, "there is no attempt 99"),
        (("attempts", "list", "--since", "12"), 2, "--since wants a time"),
        (("attempts", "list", "--status", "200"), 2, "'2xx'"),
    ],
)
def test_what_is_wrong_is_said(place: Place, arguments: tuple[str, ...], code: int, message: str) -> None:
    """With what to do instead."""
    result = place.run(*arguments)
    assert (result.exit_code, message in result.output + result.stderr) == (code, True)


def test_no_attempts_were_ever_kept(place: Place) -> None:
    """It says so and makes no file."""
    for path in place.data_dir.glob("attempts.db*"):
        path.unlink()
    result = place.run("attempts", "list")
    assert result.exit_code == 2
    assert "holds no attempts" in result.stderr
    assert not (place.data_dir / "attempts.db").exists()
