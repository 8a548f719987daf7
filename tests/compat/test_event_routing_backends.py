"""edx-event-routing-backends runs on our names as it does on those it was written for."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent


def routed(python: Path, environment: dict[str, str], which: str) -> dict[str, Any]:
    command = [str(python), str(HERE / "route_events.py"), which]
    result = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr[-3_000:]
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


def test_the_same_statements_reach_the_same_routes(peers_python: Path, environment: dict[str, str]) -> None:
    """Ten names of events, xAPI and Caliper, through Celery tasks and over HTTP."""
    ours, theirs = (routed(peers_python, environment, which) for which in ("ours", "theirs"))
    assert (ours["tracker"], theirs["tracker"]) == ("trackside.tracker", "eventtracking.tracker")
    assert ours["arrived"] == theirs["arrived"]
    arrived = ours["arrived"]
    assert arrived["edx.course.enrollment.activated"] == {
        "xapi": ["http://adlnet.gov/expapi/verbs/registered"],
        "caliper": ["Activated"],
    }
    assert [name for name, kinds in arrived.items() if not kinds] == ["edx.nobody.asked"]
    assert sum("xapi" in kinds for kinds in arrived.values()) == 9
