"""The test suite that comes inside the event-tracking package passes on our names, every case of it."""

import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.backends.mongo_server import mongo_server

pytestmark = pytest.mark.slow

NEED_MONGODB = ("test_mongodb_integration.py", "test_mongodb_performance.py")
CASES = 97
"""What version 4.0.2 has, without those that need a MongoDB server."""


@pytest.fixture(scope="module")
def suite(peers_python: Path) -> Path:
    """The folder of the installed package."""
    command = [str(peers_python), "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"]
    return Path(subprocess.check_output(command, text=True).strip()) / "eventtracking"


def run(python: Path, environment: dict[str, str], folder: Path, report: Path, *arguments: str) -> ET.Element:
    command = [str(python), "-m", "pytest", "-q", "-p", "shipped_suite", "-p", "no:cacheprovider"]
    command += ["-c", "/dev/null", "--rootdir", str(folder), f"--junit-xml={report}", *arguments]
    settings = {
        "DJANGO_SETTINGS_MODULE": "eventtracking.django.tests.settings",
        "PY_IGNORE_IMPORTMISMATCH": "1",
    }
    result = subprocess.run(
        command, env=environment | settings, capture_output=True, text=True, timeout=300, check=False
    )
    assert result.returncode == 0, result.stdout[-5_000:] + result.stderr[-2_000:]
    total = ET.parse(report).getroot().find("testsuite")
    assert total is not None
    return total


def test_every_case_passes(
    peers_python: Path, suite: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    ignored = [f"--ignore={suite / 'backends' / 'tests' / name}" for name in NEED_MONGODB]
    total = run(peers_python, environment, suite, tmp_path / "report.xml", *ignored, str(suite))
    counts = {kind: int(total.attrib[kind]) for kind in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": CASES, "failures": 0, "errors": 0, "skipped": 0}


def test_the_cases_that_need_mongodb_pass_too(
    peers_python: Path, suite: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    """Against a server that answers the real driver; they insert, count, and drop what is theirs."""
    files = [str(suite / "backends" / "tests" / name) for name in NEED_MONGODB]
    with mongo_server() as server:
        settings = environment | {"SHIPPED_SUITE_MONGODB_PORT": str(server.port)}
        total = run(peers_python, settings, suite, tmp_path / "report.xml", *files)
    counts = {kind: int(total.attrib[kind]) for kind in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": len(NEED_MONGODB), "failures": 0, "errors": 0, "skipped": 0}
    assert {"insert", "aggregate", "dropDatabase"} <= set(server.commands)
    assert server.documents == {}
