"""Filters of a release that has a fault of its own."""

from pathlib import Path

import pytest

from trackside.openedx.filters import discovery


def test_a_package_that_cannot_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs its own filters only, and no start."""
    root = tmp_path / "filters_of_a_release"
    for name, text in {"broken": "raise RuntimeError", "whole": "", "empty": ""}.items():
        (root / name).mkdir(parents=True)
        (root / name / "__init__.py").write_text(text)
    for name in ("broken", "whole"):
        (root / name / "filters.py").write_text("")
    (root / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(discovery, "_PACKAGE", root.name)
    assert [*discovery._modules()] == [f"{root.name}.broken.filters", f"{root.name}.whole.filters"]
