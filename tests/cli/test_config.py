"""config shows what is in effect; the reference pages agree with the declarations."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.cli.conftest import Place
from trackside.cli.group import cli
from trackside.cli.reference import pages

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def test_values_and_origins(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting has its value and who decided it; secrets are not shown."""
    monkeypatch.setenv("TRACKSIDE_WORKERS", "2")
    told = place.json("config")
    assert told["file"] == str(place.data_dir / "trackside.toml")
    settings = told["settings"]
    assert settings["workers"] == {"value": 2, "origin": "environment"}
    assert settings["data_dir"] == {"value": str(place.data_dir), "origin": "flag"}
    assert settings["port"] == {"value": 8000, "origin": "default"}
    assert settings["sources.web.kind"] == {"value": "segment", "origin": "file"}
    assert settings["sources.web.write_key"] == {"value": "(secret)", "origin": "file"}
    assert settings["destinations.tracking_log.path"] == {"value": "tracking.log", "origin": "file"}


def test_for_people(place: Place) -> None:
    """A table with the same, and no secret in it."""
    output = place.run("config").output
    assert ["log.dedup_window_s", "86400", "default"] in [line.split() for line in output.splitlines()]
    assert place.loaded.config.sources["web"].write_keys[0] not in output


@pytest.mark.parametrize(
    "name", ["configuration.md", "command-line.md", "django-settings.md", "telemetry.md"]
)
def test_reference_pages_are_up_to_date(name: str) -> None:
    """Mend it with: trackside config reference --write docs/reference"""
    assert (REFERENCE / name).read_text("utf-8") == pages()[name]


def test_reference_is_written(tmp_path: Path) -> None:
    """--write makes all pages; without it the configuration's is printed."""
    result = CliRunner().invoke(cli, ["config", "reference", "--write", str(tmp_path)])
    assert result.exit_code == 0
    assert {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()} == pages()
    printed = CliRunner().invoke(cli, ["config", "reference"])
    assert printed.output == pages()["configuration.md"]
