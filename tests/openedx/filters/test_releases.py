"""Releases of openedx-filters, from old ones to the newest: whatever filters they have are points."""

import json
from collections.abc import Callable

import pytest

from tests.openedx.conftest import Host
from tests.openedx.filters.conftest import ALL
from tests.openedx.filters.releases import release


@pytest.mark.parametrize(("version", "filters"), [("1.0.0", 12), ("2.1.0", 24), ("3.4.1", 27)])
def test_each_release(platform: Callable[..., Host], version: str, filters: int) -> None:
    """All of its filters reach a receiver and honour what it says; 1.0.0 is of 2022, 2.1.0 that of Ulmo."""
    host = platform(yaml=ALL, exceptions=False, path=str(release(version)))
    ran = json.loads(host.run("tests.openedx.filters.host.run_all"))
    assert len(ran["installed"]) == len(ran["filters"]) == filters
    assert [name for name, each in ran["filters"].items() if each["asked"] != name or each["queries"]] == []
    silent = [
        name
        for name, each in ran["filters"].items()
        if each["before"] == each["after"] and each["saved"] != "Changed"
    ]
    assert silent == []
