"""The baseline's own virtual environment, made on first use and again when its requirements change."""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "benchmarks" / "requirements.txt"
FOLDER = ROOT / ".venv-bench"


def python() -> Path:
    """Return the interpreter that has what the baseline needs, installed first where that is necessary."""
    interpreter = FOLDER / "bin" / "python"
    stamp = FOLDER / ".requirements-sha256"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="ascii") == wanted:
        return interpreter
    print(f"installing the baseline's requirements into {FOLDER.name} …", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(FOLDER)], check=True)
    subprocess.run([*_installer(interpreter), "-r", str(REQUIREMENTS)], check=True)
    stamp.write_text(wanted, encoding="ascii")
    return interpreter


def _installer(interpreter: Path) -> list[str]:
    if importlib.util.find_spec("uv") is not None:
        return [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(interpreter)]
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--quiet", "--python", str(interpreter)]
    return [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
