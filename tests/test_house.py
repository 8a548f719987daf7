"""The house rules that no linter knows."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
CORE = (
    *(
        "event",
        "errors",
        "clock",
        "config",
        "courses",
        "document",
        "users",
        "sqlite",
        "attempts",
        "log",
        "sources",
        "destinations",
        "pipeline",
        "delivery",
        "export",
    ),
    *("emitted", "locator", "processors", "routing", "tracker", "backends", "webfilters"),
    *(
        f"outbound/{part}"
        for part in ("base", "policy", "url", "headers", "names", "tls", "auth", "oauth2", "breaker")
    ),
    *("outbound/signing", "outbound/retry_after"),
)
"""All but what serves, what draws pages, and the client itself: destinations must be checked where no server runs."""


@pytest.fixture(scope="module")
def check_sizes() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_sizes", ROOT / "scripts" / "check_sizes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_files_and_functions_are_small_and_named_after_what_they_do(check_sizes: ModuleType) -> None:
    assert list(check_sizes.problems(ROOT / "src")) == []


def test_the_size_check_finds_what_is_too_long(check_sizes: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "utils.py").write_text("x = 1\n" * 401)
    (tmp_path / "long.py").write_text("def f() -> None:\n" + "    pass\n" * 40)
    (tmp_path / "fine.py").write_text("def f() -> None:\n" + "    pass\n" * 39)
    found = list(check_sizes.problems(tmp_path))
    assert len(found) == 3
    assert "f has 41 lines" in found[0]
    assert "401 lines" in found[1]
    assert "'utils' says nothing" in found[2]


def test_the_licence_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_todo_comments_name_an_issue() -> None:
    for path in sorted((ROOT / "src").rglob("*.py")):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert not re.search(r"\b(TODO|FIXME|XXX)\b(?!.*#\d+)", line), f"{path}: {line.strip()}"


def test_the_core_imports_without_any_extra() -> None:
    """The base install holds Django, msgspec and zstandard; what needs more is server, cli and console."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]["server"]
    absent = {re.split(r"[<>=\[; ]", requirement)[0].replace("-", "_") for requirement in extras}
    modules = [name for layer in CORE for name in _modules(layer)]
    assert {"trackside.event", "trackside.outbound.signing"} <= {*modules}
    script = (
        "import importlib, sys\n"
        f"sys.modules.update(dict.fromkeys({sorted(absent)!r}))\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
    )
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr


def _modules(layer: str) -> list[str]:
    source = ROOT / "src" / "trackside"
    paths = [*source.glob(f"{layer}.py"), *sorted((source / layer).rglob("*.py"))]
    names = (".".join(("trackside", *path.relative_to(source).with_suffix("").parts)) for path in paths)
    return [name.removesuffix(".__init__") for name in names]
