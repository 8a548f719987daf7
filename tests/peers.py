"""Virtual environments for packages that run beside us in tests, each made once for each version of its list."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import missing

INSTALL_TIMEOUT_S = 600


def interpreter_with(requirements: Path, what: str, *, cache: str) -> Path:
    """Return the interpreter of an environment with those packages, of this Python; skip or fail without it."""
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:16]
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / cache
    folder = home / wanted
    if not folder.exists():
        partial = home / f"{wanted}.{os.getpid()}"
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(partial)], check=True)
        command = [*installer(partial / "bin" / "python"), "-r", str(requirements)]
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False
        )
        if result.returncode:
            shutil.rmtree(partial)
            missing(f"{what} ({result.stderr[-500:]})")
        if not folder.exists():  # another test process may have been first
            partial.rename(folder)
    return folder / "bin" / "python"


def installer(interpreter: Path) -> list[str]:
    """Return the command that installs packages for an interpreter."""
    if importlib.util.find_spec("uv") is not None:
        # compiled once: the processes of tests write no bytecode, and would compile all of it each time
        uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--compile-bytecode"]
        return [*uv, "--python", str(interpreter)]
    return [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
