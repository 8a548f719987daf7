"""serve makes ready what is missing and hands the configuration to the server."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.cli.conftest import Place
from trackside.cli.group import cli
from trackside.config.load import Loaded
from trackside.server import serve as server


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Loaded]:
    """Collect the configurations the server was run with, instead of running it."""
    loaded: list[Loaded] = []

    def run(given: Loaded) -> int:
        loaded.append(given)
        return 3

    monkeypatch.setattr(server, "run", run)
    return loaded


def serve(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["serve", *arguments])


@pytest.mark.usefixtures("place")
def test_first_start(runs: list[Loaded], tmp_path: Path) -> None:
    """A data directory with a source and a destination is made; the exit status is the server's."""
    result = serve("--data-dir", "fresh", "--port", "0", "--workers", "2")
    assert result.exit_code == 3
    (loaded,) = runs
    config = loaded.config
    assert (config.data_dir, config.port, config.workers) == (str(tmp_path / "fresh"), 0, 2)
    assert (loaded.path, loaded.kinds) == (
        Path("fresh/trackside.toml"),
        {"sources.web": "segment", "destinations.tracking_log": "tracking_log"},
    )
    folder = tmp_path / "fresh"
    assert [line.removeprefix("made ") for line in result.stderr.splitlines()] == [
        str(made) for made in (folder, folder / "secret_key", folder / "trackside.toml")
    ]


def test_later_starts(place: Place, runs: list[Loaded]) -> None:
    """Nothing is made, nothing is told."""
    result = serve("--data-dir", str(place.data_dir), "--host", "::1")
    assert (result.output, runs[0].config.host) == ("", "::1")


@pytest.mark.usefixtures("place")
def test_with_a_configuration_of_ones_own(runs: list[Loaded], tmp_path: Path) -> None:
    """Who has a file gets no other one; the data directory and its secret are made."""
    (tmp_path / "mine.toml").write_text(
        'data_dir = "events"\n[sources.a]\nkind = "segment"\nwrite_key = "k"\n'
    )
    serve("--config", "mine.toml")
    assert sorted(path.name for path in (tmp_path / "events").iterdir()) == ["secret_key"]
    assert list(runs[0].config.sources) == ["a"]


@pytest.mark.usefixtures("place")
def test_a_wrong_flag(runs: list[Loaded]) -> None:
    """A flag is judged like any other layer, before anything is made."""
    result = serve("--data-dir", "fresh", "--port", "eighty")
    assert result.stderr == "trackside: port is 'eighty'; want a whole number, 0 to 65535 (--port)\n"
    assert (result.exit_code, runs, Path("fresh").exists()) == (2, [], False)
