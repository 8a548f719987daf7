"""The packages that expect `eventtracking`, installed beside us."""

import os
from pathlib import Path

import pytest

from tests.peers import interpreter_with

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture(scope="session")
def peers_python() -> Path:
    """The interpreter of an environment with those packages, made once for each version of their list."""
    return interpreter_with(
        HERE / "requirements.txt", "installing the packages to run on our names", cache="trackside-compat"
    )


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What such a process needs to find us, and nothing of ours that it should not find."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {
        "PYTHONPATH": f"{ROOT / 'src'}:{HERE}",
        "TMPDIR": str(tmp_path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
