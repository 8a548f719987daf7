"""Management commands: ours, and those whose events say which command they come from."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from tests.django.conftest import Emitted
from trackside.backends.log import LogBackend
from trackside.django import verbs
from trackside.django.management.commands.trackside import Command
from trackside.django.tracked_command import TrackedCommand
from trackside.tracker import TRACKERS, Tracker, emit


class Reindex(TrackedCommand):
    """Emits while it runs."""

    def handle(self, *args: object, **options: object) -> None:
        """Emit."""
        emit("reindexed")
        if options.get("verbosity") == 3:
            raise CommandError("broken")


def test_events_of_a_command_name_it(emitted: Emitted) -> None:
    Reindex().run_from_argv(["manage.py", "reindex"])
    call_command(Reindex())
    assert [event["context"] for event in emitted] == [
        {"command": "manage.py reindex"},
        {"command": Reindex.__module__.rpartition(".")[2]},
    ]


def test_the_context_ends_with_the_command(emitted: Emitted) -> None:
    with pytest.raises(CommandError):
        call_command(Reindex(), verbosity=3)
    emit("after")
    assert emitted[-1]["context"] == {}


def test_a_command_runs_without_a_tracker(emitted: Emitted) -> None:
    TRACKERS.clear()
    call_command(Reindex())


@pytest.fixture
def data_dir(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data"
    settings.TRACKSIDE = {
        "data_dir": str(folder),
        "destinations": {"lines": {"kind": "tracking_log", "path": "t.log"}},
    }
    backend = LogBackend(folder)
    Tracker({"log": backend}).emit("hello", {"a": 1}, durable=True)
    backend.log.close()
    return folder


def test_verbs_work_on_what_the_settings_say(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("trackside", "status", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["log"]["events"] == 1
    assert told["destinations"]["lines"]["state"] == "stopped"
    call_command("trackside", "tail", "-n", "1", "--json")
    assert json.loads(capsys.readouterr().out)["name"] == "hello"


def test_a_command_line_ends_as_its_verb_says(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, code in ((["tail", "--json"], 0), (["nonsense"], 2), (["tail", "--config", "no.toml"], 2)):
        with pytest.raises(SystemExit) as ended:
            Command().run_from_argv(["manage.py", "trackside", *arguments])
        assert ended.value.code == code
    assert "No such command 'nonsense'" in capsys.readouterr().err


def test_wrong_settings_are_told(settings: Settings, data_dir: Path) -> None:
    settings.TRACKSIDE = {"data_dir": str(data_dir), "destinations": {"crm": {"kind": "nonsense"}}}
    with pytest.raises(CommandError, match=r"destinations\.crm\.kind is 'nonsense'.*\(settings\.TRACKSIDE\)"):
        call_command("trackside", "status")


def test_verbs_that_cannot_be_used_are_not_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """The server is not started inside another project."""
    call_command("trackside")
    assert "status" in capsys.readouterr().out
    assert "serve" not in verbs.available()
    with pytest.raises(CommandError, match="No such command"):
        call_command("trackside", "serve", stdout=StringIO())


def test_the_table_of_users(data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is filled from here as from the command line."""
    (tmp_path / "accounts.csv").write_text("id,username\n7,honor\n")
    call_command("trackside", "users", "import", str(tmp_path / "accounts.csv"))
    assert capsys.readouterr().out == "1 added, 0 renamed; there are 1 users\n"
    call_command("trackside", "users", "find", "7", "--json")
    assert json.loads(capsys.readouterr().out) == {"id": 7, "username": "honor"}
    with pytest.raises(CommandError, match="there is no user '8'"):
        call_command("trackside", "users", "find", "8")


def test_an_export(data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """To a file and to the standard output; a file that is there already makes the status 2."""
    call_command("trackside", "export", "e.jsonl")
    call_command("trackside", "export")
    told = capsys.readouterr()
    assert told.out == (tmp_path / "e.jsonl").read_text()
    assert json.loads(told.out)["name"] == "hello"
    assert told.err.splitlines()[-1].startswith("1 events, positions 1 to 1, ")
    for arguments, code in (["export", "e.parquet"], 0), (["export", "e.jsonl"], 2):
        with pytest.raises(SystemExit) as ended:
            Command().run_from_argv(["manage.py", "trackside", *arguments])
        assert ended.value.code == code
