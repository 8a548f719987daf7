"""A process that is killed at any point loses no event and sends none that was rolled back."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connections

from tests.django.outbox.databases import ALIAS, Settings

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.faults
def test_killed_between_every_two_statements(database: Settings, vendor: str, tmp_path: Path) -> None:
    """At each of about a hundred points: events in the log = committed rows, each once."""
    connections[ALIAS].close()  # the processes wait until they are alone
    given = json.dumps({"database": database, "folder": str(tmp_path)})
    command = [sys.executable, "-m", "tests.django.outbox.killed_process", given]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout.splitlines()[-1])
    assert told["failures"] == [], result.stderr
    assert told["points"] > 90
