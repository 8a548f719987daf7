"""Course ids are understood as opaque_keys understands them, whether it is installed or not."""

import json
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).with_name("compare_course_keys.py")


def test_both_give_the_same_answers(peers_python: Path, environment: dict[str, str]) -> None:
    """For tens of thousands of texts, of which a good part are courses."""
    result = subprocess.run(
        [str(peers_python), str(SCRIPT)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3_000:]
    found = json.loads(result.stdout)
    assert found["differing"] == []
    assert found["courses"] > 2_000
