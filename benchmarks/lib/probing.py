"""One process of the baseline's environment, which has what it is measured beside."""

import json
import os
import subprocess

from benchmarks.lib import bench_venv
from benchmarks.lib.bench_venv import ROOT

Found = dict[str, dict[str, float]]


def probe(module: str, *arguments: str) -> Found:
    """Return what the module printed as JSON. Raises SystemExit with its errors where it failed."""
    finished = subprocess.run(
        [str(bench_venv.python()), "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if finished.returncode:
        raise SystemExit(finished.stderr)
    found: Found = json.loads(finished.stdout)
    return found
