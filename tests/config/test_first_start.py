"""The first start makes what is missing, once."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.config.kinds import SOURCES
from trackside.config import first_start, load
from trackside.errors import StorageError


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_makes_everything_for_its_owner_alone(tmp_path: Path) -> None:
    """Directory, secret and configuration are there, unreadable for others, and the configuration loads."""
    folder = tmp_path / "a" / "data"
    made = first_start(folder, with_config=True)
    assert made.made == (folder, folder / "secret_key", folder / "trackside.toml")
    assert [mode(path) for path in made.made] == [0o700, 0o600, 0o600]
    assert sorted(path.name for path in folder.iterdir()) == ["secret_key", "trackside.toml"]
    table = tomllib.loads((folder / "trackside.toml").read_text())
    assert table["sources"]["web"] == {"kind": "segment", "write_key": made.write_key}
    assert table["destinations"]["tracking_log"] == {"kind": "tracking_log", "path": "tracking.log"}


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    """What exists stays as it is, byte for byte."""
    first = first_start(tmp_path, with_config=True)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    second = first_start(tmp_path, with_config=True)
    assert second.made == ()
    assert second.write_key is None
    assert second.secret_key == first.secret_key
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_without_a_configuration_file(tmp_path: Path) -> None:
    """Where a configuration exists elsewhere, none is written."""
    first_start(tmp_path, with_config=False)
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]
    loaded = load(None, {}, {"data_dir": str(tmp_path)}, source_kinds=SOURCES, destination_kinds={})
    assert loaded.path is None


def test_starts_at_the_same_time_make_one_set(tmp_path: Path) -> None:
    """Several processes starting at once agree on one secret and one write key."""
    folder = tmp_path / "data"
    code = (
        "import sys; from pathlib import Path; from trackside.config import first_start;"
        "sys.stdin.readline(); made = first_start(Path(sys.argv[1]), with_config=True);"
        "print(made.secret_key, made.write_key)"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate()[0].split() for process in processes]
    assert len({secret for secret, _ in told}) == 1
    keys = [key for _, key in told if key != "None"]
    assert len(keys) == 1
    assert tomllib.loads((folder / "trackside.toml").read_text())["sources"]["web"]["write_key"] == keys[0]


def test_a_spoilt_secret_is_refused(tmp_path: Path) -> None:
    """An empty secret would sign everybody's sessions; it is said what to do."""
    (tmp_path / "secret_key").write_text("\n")
    with pytest.raises(StorageError, match=r"secret_key holds no usable secret; remove the file"):
        first_start(tmp_path, with_config=False)


def test_a_place_that_cannot_be_made(tmp_path: Path) -> None:
    """The message names the place and the remedy."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="choose another with --data-dir"):
        first_start(tmp_path / "file" / "data", with_config=True)
