"""Environments that a real `tutor config save` renders with the plugin."""

import json
import os
import subprocess
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from tests.peers import interpreter_with

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PLUGIN = ROOT / "tutor"
TIMEOUT_S = 60

_AS_JSON = (
    "import json, sys, yaml\n"
    "json.dump({path: list(yaml.safe_load_all(open(path))) for path in sys.argv[1:]}, sys.stdout, default=str)"
)


@dataclass(frozen=True)
class Rendered:
    """A project of Tutor's in which the plugin is enabled."""

    python: Path
    root: Path
    installed: Path

    def tutor(self, *arguments: str) -> str:
        """Return what a command of Tutor's prints."""
        return self._run("-m", "tutor.commands.cli", *arguments)

    def text(self, path: str) -> str:
        """Return a file of the environment."""
        return (self.root / "env" / path).read_text()

    @property
    def config(self) -> dict[str, Any]:
        """What Tutor keeps of the settings."""
        (kept,) = self._read([self.root / "config.yml"]).values()
        return dict(kept[0])

    @cached_property
    def documents(self) -> dict[str, list[Any]]:
        """Documents of each YAML file of the environment, by its path."""
        env = self.root / "env"
        found = [*(env / "local").glob("*.yml"), *(env / "dev").glob("*.yml"), *(env / "k8s").glob("*.yml")]
        return {str(Path(path).relative_to(env)): each for path, each in self._read(found).items()}

    def service(self, name: str, path: str = "local/docker-compose.yml") -> Any:
        """Return a service of docker compose."""
        return self.documents[path][0]["services"][name]

    def resource(self, kind: str, name: str) -> Any:
        """Return a resource of Kubernetes, of which there is one."""
        (found,) = [
            each
            for path, documents in self.documents.items()
            if path.startswith("k8s/")
            for each in documents
            if each and (each["kind"], each["metadata"]["name"]) == (kind, name)
        ]
        return found

    def _read(self, paths: list[Path]) -> dict[str, Any]:
        return dict(json.loads(self._run("-c", _AS_JSON, *map(str, paths))))

    def _run(self, *arguments: str) -> str:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        finished = subprocess.run(
            [str(self.python), *arguments],
            env={
                **kept,
                "PYTHONPATH": f"{PLUGIN}:{self.installed}",
                "PYTHONDONTWRITEBYTECODE": "1",
                "TUTOR_ROOT": str(self.root),
                "TUTOR_PLUGINS_ROOT": str(self.root / "plugins"),
            },
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout


Render = Callable[..., Rendered]


@pytest.fixture(scope="session")
def render(tmp_path_factory: pytest.TempPathFactory) -> Render:
    """Return a function that renders with these settings, and plugins of one file: their name → their text."""
    installed = tmp_path_factory.mktemp("installed")
    _say_installed(installed)

    def made(
        plugins: dict[str, str] | None = None, *, packages: str = "requirements.txt", **settings: Any
    ) -> Rendered:
        python = interpreter_with(HERE / packages, "installing Tutor", cache="trackside-tutor")
        project = Rendered(python, tmp_path_factory.mktemp("tutor"), installed)
        kept = {"PLUGINS": ["trackside", *(plugins or {})], **settings}
        (project.root / "config.yml").write_text(json.dumps(kept))
        (project.root / "plugins").mkdir()
        for name, text in (plugins or {}).items():
            (project.root / "plugins" / f"{name}.py").write_text(text)
        project.tutor("config", "save")
        return project

    return made


@pytest.fixture(scope="session")
def plain(render: Render) -> Rendered:
    """What is rendered where nothing is said."""
    return render()


def _say_installed(folder: Path) -> None:
    """Say of the plugin what an installation of it says, its entry point for one."""
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text())["project"]
    about = folder / "tutor_contrib_trackside-0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 0\n")
    (about / "entry_points.txt").write_text(
        "".join(
            f"[{group}]\n" + "".join(f"{name} = {path}\n" for name, path in entries.items())
            for group, entries in project["entry-points"].items()
        )
    )
