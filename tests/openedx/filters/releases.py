"""Releases of openedx-filters, each in a folder of its own that goes before what an environment has."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import missing
from tests.peers import INSTALL_TIMEOUT_S, installer


def release(version: str) -> Path:
    """Return the folder that has openedx-filters of that version, and nothing else; skip or fail without it."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trackside-openedx"
    folder = home / f"openedx-filters-{version}"
    if not folder.exists():
        partial = home / f"openedx-filters-{version}.{os.getpid()}"
        command = [*installer(Path(sys.executable)), "--no-deps", "--target", str(partial)]
        result = subprocess.run(
            [*command, f"openedx-filters=={version}"],
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
        )
        if result.returncode:
            shutil.rmtree(partial, ignore_errors=True)
            missing(f"openedx-filters {version} ({result.stderr[-500:]})")
        if not folder.exists():  # another test process may have been first
            partial.rename(folder)
    return folder
