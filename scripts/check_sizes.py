"""Check that files, functions and names under src keep to the house's sizes; exit 1 where they do not."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

FILE_LINES = 400
FUNCTION_LINES = 40
BANNED_NAMES = {"common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}


def problems(root: Path) -> Iterator[str]:
    """Yield one line for each file, function or name below `root` that breaks a rule."""
    for path in sorted(root.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if (lines := text.count("\n")) > FILE_LINES:
            yield f"{path}: {lines} lines; want at most {FILE_LINES}; make it a folder"
        if banned := BANNED_NAMES.intersection(path.relative_to(root).with_suffix("").parts):
            yield f"{path}: '{banned.pop()}' says nothing; name it after what it does"
        yield from _long_functions(path, ast.parse(text))


def _long_functions(path: Path, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                yield f"{path}:{node.lineno}: {node.name} has {lines} lines; want at most {FUNCTION_LINES}"


if __name__ == "__main__":
    found = list(problems(Path(__file__).resolve().parent.parent / "src"))
    for line in found:
        print(line)
    sys.exit(1 if found else 0)
