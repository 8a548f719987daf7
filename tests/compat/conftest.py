"""The packages that expect `eventtracking`, installed beside us."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import missing

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
INSTALL_TIMEOUT_S = 600


@pytest.fixture(scope="session")
def peers_python() -> Path:
    """The interpreter of an environment with those packages, made once for each version of their list."""
    requirements = HERE / "requirements.txt"
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trackside-compat"
    folder = cache / wanted
    if not folder.exists():
        partial = cache / f"{wanted}.{os.getpid()}"
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(partial)], check=True)
        command = [*_installer(partial / "bin" / "python"), "-r", str(requirements)]
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False
        )
        if result.returncode:
            shutil.rmtree(partial)
            missing(f"installing the packages to run on our names ({result.stderr[-500:]})")
        if not folder.exists():  # another test process may have been first
            partial.rename(folder)
    return folder / "bin" / "python"


def _installer(interpreter: Path) -> list[str]:
    if importlib.util.find_spec("uv") is not None:
        return [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(interpreter)]
    return [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What such a process needs to find us, and nothing of ours that it should not find."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {
        "PYTHONPATH": f"{ROOT / 'src'}:{HERE}",
        "TMPDIR": str(tmp_path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
