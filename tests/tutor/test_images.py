"""What the rendered Dockerfiles do to the images they are built of."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import django
from tests.tutor.conftest import HERE, PLUGIN, ROOT, Render, Rendered

pytestmark = pytest.mark.e2e  # Tutor has a Python of its own

OURS = "plugins/trackside/image/Dockerfile"
PLATFORMS = "build/openedx/Dockerfile"


def installed_by(dockerfile: str) -> list[str]:
    """Return what the command that installs Trackside gives the installer, in an image with our Django."""
    (command,) = re.findall(
        r"^\s+(\$\{PIP_COMMAND:-pip\} install .*trackside\[.*)$", dockerfile, re.MULTILINE
    )
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["/bin/sh", "-e", "-c", command],
        env={"PATH": path, "PIP_COMMAND": "printf %s\\n"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()


def test_the_platform_keeps_its_django(plain: Rendered, render: Render) -> None:
    """Trackside wants 5.2: without that it would replace a platform's 4.2, and nobody would be told."""
    own = f"django=={django.__version__}"
    assert installed_by(plain.text(PLATFORMS))[-1] == own
    mounted = render(MOUNTS=["/srv/src/trackside"])
    assert installed_by(mounted.text(PLATFORMS))[-2:] == ["/mnt/trackside[openedx]", own]


def test_the_oldest_tutor_is_tested() -> None:
    """The first release that the plugin says it runs with is the one that renders in the tests."""
    (wanted,) = tomllib.loads((PLUGIN / "pyproject.toml").read_text())["project"]["dependencies"]
    tested = (HERE / "requirements-oldest.txt").read_text().splitlines()[-1]
    assert wanted.startswith(f"tutor>={tested.removeprefix('tutor==').split('.')[0]},")


def test_the_first_process_ends_at_once(plain: Rendered) -> None:
    """The kernel keeps SIGTERM from a first process that has not asked for it: an init has, from its first moment."""
    last = plain.text(OURS).rpartition("\nFROM ")[2]
    (packages,) = re.findall(r"--no-install-recommends ([^&]+) &&", last)
    assert "tini" in packages.split()
    assert last.splitlines()[-2:] == ['ENTRYPOINT ["tini", "--"]', 'CMD ["trackside", "serve"]']


def test_a_mounted_folder_brings_no_more_than_git_keeps() -> None:
    """An environment or a cache of whoever works on it is no part of the images that are built from it."""
    ignored = (ROOT / ".gitignore").read_text().split()
    left_out = (ROOT / ".dockerignore").read_text().splitlines()
    assert {".git", *(f"**/{each.rstrip('/')}" for each in ignored)} <= set(left_out)
