"""A platform with its own packages, in an environment of theirs, that has the plugin installed."""

import json
import os
import subprocess
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.peers import interpreter_with

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TIMEOUT_S = 120


@pytest.fixture(scope="session")
def platform_python() -> Path:
    """The interpreter that has openedx-events, openedx-filters and the loader of plugins."""
    return interpreter_with(
        HERE / "requirements.txt", "installing Open edX's own packages", cache="trackside-openedx"
    )


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that says of the project what an installation of it says, its entry points for one."""
    folder = tmp_path_factory.mktemp("installed")
    about = folder / "trackside-0.dist-info"
    about.mkdir()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [
        f"[{group}]\n" + "".join(f"{name} = {path}\n" for name, path in entries.items())
        for group, entries in project["entry-points"].items()
    ]
    (about / "entry_points.txt").write_text("\n".join(lines))
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: trackside\nVersion: 0\n")
    return folder


@dataclass(frozen=True)
class Host:
    """A platform of one test."""

    python: Path
    installed: Path
    folder: Path
    says: dict[str, Any] = field(default_factory=dict)
    """What `host.settings` reads, beside the folder; `path` goes before the packages of the environment."""

    @property
    def data_dir(self) -> Path:
        """Where its events are kept: in its DATA_DIR."""
        return self.folder / "data" / "trackside"

    def but(self, **says: Any) -> "Host":
        """Return the same platform with other settings."""
        return Host(self.python, self.installed, self.folder, {**self.says, **says})

    def run(
        self,
        *arguments: str,
        code: str = "",
        expected: int = 0,
        settings: str = "tests.openedx.host.settings",
    ) -> str:
        """Return what a module of the platform prints, or `code` in the platform once it is set up."""
        command = ["-m", *arguments] if arguments else ["-c", f"import django; django.setup()\n{code}"]
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        finished = subprocess.run(
            [str(self.python), "-W", "error::RuntimeWarning", *command],
            cwd=self.folder,
            env={
                **kept,
                "PYTHONPATH": ":".join(
                    filter(None, [self.says.get("path"), f"{ROOT / 'src'}:{ROOT}:{self.installed}"])
                ),
                "PYTHONDONTWRITEBYTECODE": "1",
                "DJANGO_SETTINGS_MODULE": settings,
                "HOST": json.dumps({"folder": str(self.folder), **self.says}),
            },
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert finished.returncode == expected, finished.stdout + finished.stderr
        return finished.stdout

    def events(self) -> list[Any]:
        """Return the events of its log."""
        from trackside.config.settings import LogSettings
        from trackside.log.sqlite import SQLiteLog

        log = SQLiteLog(self.data_dir, LogSettings())
        try:
            return list(log.read(0, limit=10_000).events)
        finally:
            log.close()


@pytest.fixture
def host(platform_python: Path, installed: Path, tmp_path: Path) -> Host:
    """A platform without a database yet."""
    return Host(platform_python, installed, tmp_path)
