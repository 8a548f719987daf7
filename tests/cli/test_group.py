"""The command line as a whole: help, versions, errors as lines."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.cli.conftest import Place
from trackside import hub
from trackside.cli.group import VERBS, cli
from trackside.errors import StorageError


def test_every_verb_has_help() -> None:
    """Each verb is listed in the order declared, and explains itself."""
    listed = CliRunner().invoke(cli, ["--help"]).output
    assert [line.split()[0] for line in listed.partition("Commands:\n")[2].splitlines()] == list(VERBS)
    for verb in VERBS:
        result = CliRunner().invoke(cli, [verb, "--help"])
        assert (result.exit_code, result.output.startswith(f"Usage: cli {verb}")) == (0, True)


def test_version() -> None:
    """--version prints the installed version."""
    assert CliRunner().invoke(cli, ["--version"]).output == f"trackside {hub.version()}\n"


def test_configuration_errors_are_lines(place: Place) -> None:
    """Every problem is one line on stderr, and the exit status is 2."""
    (place.data_dir / "trackside.toml").write_text("prot = 1\nworkers = 0\n")
    result = place.run("status")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert [line.split(" (")[0] for line in result.stderr.splitlines()] == [
        "trackside: prot is not a setting; did you mean port?",
        "trackside: workers is 0; want a whole number, 1 to 256",
    ]


def test_other_errors_end_with_1(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that cannot be opened is one line and exit status 1."""

    def broken(config: object) -> None:
        raise StorageError("log.db is damaged; restore a backup")

    monkeypatch.setattr(hub, "open_log", broken)
    result = place.run("status")
    assert (result.exit_code, result.stderr) == (1, "trackside: log.db is damaged; restore a backup\n")


@pytest.mark.usefixtures("place")
def test_no_data_directory(tmp_path: Path) -> None:
    """A wrong --data-dir is told, and nothing is made there."""
    result = CliRunner().invoke(cli, ["tail", "--data-dir", str(tmp_path / "nowhere")])
    assert (result.exit_code, result.stderr.startswith("trackside: there is no data directory")) == (2, True)
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / "folder").mkdir()
    result = CliRunner().invoke(cli, ["status", "--data-dir", str(tmp_path / "folder")])
    assert (result.exit_code, "folder holds no log" in result.stderr) == (2, True)
    assert list((tmp_path / "folder").iterdir()) == []


def test_an_unknown_destination(place: Place) -> None:
    """A name that is nearly right gets a hint."""
    place.log.subscription("tracking_log")
    result = place.run("pause", "--destination", "trackinglog")
    assert result.stderr == "trackside: there is no destination 'trackinglog'; did you mean tracking_log?\n"
    result = place.run("pause", "--destination", "x")
    assert result.stderr == "trackside: there is no destination 'x'; there are: tracking_log\n"


def test_a_destination_that_was_never_started(place: Place) -> None:
    """A configured destination without a place in the log says how it gets one, and gets none here."""
    result = place.run("pause", "--destination", "tracking_log")
    assert (result.exit_code, "has not been started yet" in result.stderr) == (2, True)
    assert place.log.subscriptions() == []


def test_without_click() -> None:
    """Without the server extra, one line says what to install."""
    code = "import sys; sys.modules['click'] = None; from trackside.cli import main; main()"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == (
        "trackside: the command line needs click; install it: pip install 'trackside[server]'\n"
    )


def test_help_is_quick_to_load() -> None:
    """--help loads no server, no Django, no database."""
    code = (
        "import sys; from trackside.cli.group import cli; cli(['--help'], standalone_mode=False);"
        "print(sorted({'django', 'uvicorn', 'sqlite3', 'asyncio'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"
