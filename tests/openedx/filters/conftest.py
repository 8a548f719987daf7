"""A platform with tables like those of Open edX, whose filters ask a real receiver."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.openedx.conftest import HERE, ROOT, Host
from tests.openedx.filters.releases import release
from tests.peers import interpreter_with

APPS = ["tests.openedx.filters.host.apps.PlatformConfig"]
ALL: dict[str, Any] = {"TRACKSIDE": {"filters": {"ignore": []}}}
"""Settings with which no filter is left out."""
MEMORY = {"ENGINE": "django.db.backends.sqlite3", "NAME": "file:platform?mode=memory&cache=shared"}


@pytest.fixture(scope="session")
def platform(
    platform_python: Path, installed: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Host]:
    """Returns a platform of its own folder, with other settings."""

    def made(**says: Any) -> Host:
        return Host(
            platform_python,
            installed,
            tmp_path_factory.mktemp("platform"),
            {"apps": APPS, "database": MEMORY, **says},
        )

    return made


@pytest.fixture(scope="session")
def all_run(platform: Callable[..., Host]) -> dict[str, Any]:
    """What came of running every filter of the newest openedx-filters."""
    found: dict[str, Any] = json.loads(platform(yaml=ALL).run("tests.openedx.filters.host.run_all"))
    return found


@pytest.fixture(scope="session")
def there() -> dict[str, int]:
    """How many of the same filters reach a receiver of openedx-webhooks."""
    python = interpreter_with(
        HERE / "openedx-webhooks.txt", "installing openedx-webhooks", cache="trackside-openedx"
    )
    finished = subprocess.run(
        [str(python), "-m", "tests.openedx.filters.host.deliver_filters"],
        cwd=ROOT,
        env={
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "PYTHONPATH": f"{release('3.16.0')}:{ROOT}",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    counted: dict[str, int] = json.loads(finished.stdout)
    return counted
