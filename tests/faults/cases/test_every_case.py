"""The list of cases is complete."""

import ast
import re
from pathlib import Path

FAULTS = Path(__file__).parents[1]
CASES = range(1, 35)


def test_every_case_has_a_test() -> None:
    """Each of the 34 has a test of its number and what happens in it."""
    found: dict[int, list[str]] = {}
    for path in FAULTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and (match := re.match(r"test_(\d\d)_\w", node.name)):
                found.setdefault(int(match[1]), []).append(node.name)
    assert [number for number in CASES if number not in found] == []
    assert set(found) == set(CASES)
