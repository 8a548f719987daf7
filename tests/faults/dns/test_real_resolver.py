"""Cases 15 and 16 with nothing in between: the system's resolver, and a server on port 53."""

import json
from typing import Any

import pytest

from tests.conftest import missing
from tests.faults.cases.delivering import BUSY_S, TIMEOUT_S
from tests.faults.dns import namespace
from tests.faults.dns.scenario import ASTRAY, LATE, NOWHERE

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module", params=["curl", "aiohttp"])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what came of the scenario, with each of the two clients."""
    if request.param == "curl":
        pytest.importorskip("pycurl")
    if what := namespace.why_not():
        missing(what)
    folder = tmp_path_factory.mktemp("dns")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRACKSIDE_HTTP_CLIENT", request.param)
        printed = namespace.run("tests.faults.dns.scenario", [str(folder)], folder=folder, timeout_s=120)
    told: dict[str, Any] = json.loads(printed)
    assert {*NOWHERE, *LATE, *ASTRAY, "good", "rebound"} <= set(told["asked"])
    return told


@pytest.mark.parametrize("name", NOWHERE)
def test_15_a_server_that_says_no(found: dict[str, Any], name: str) -> None:
    """NXDOMAIN, SERVFAIL, REFUSED, no address, a loop of aliases: unresolved, in time."""
    assert (found[name]["outcome"], found[name]["fault"]) == ("failed", "unresolved")
    assert found[name]["duration_s"] < TIMEOUT_S


@pytest.mark.parametrize("name", LATE)
def test_15_a_server_that_says_nothing_of_use(found: dict[str, Any], name: str) -> None:
    """The request's time ends it, not the resolver's, which is 10 s and more."""
    assert (found[name]["outcome"], found[name]["fault"]) == ("failed", "timeout")
    assert found[name]["duration_s"] <= TIMEOUT_S * 1.1 + BUSY_S


def test_15_the_others_do_not_wait(found: dict[str, Any]) -> None:
    """All events of the endpoint whose name is good are there before one of those names is given up."""
    assert found["last"]["outcome"] == "delivered"
    assert found["last"]["began_s"] - found["silent"]["began_s"] < TIMEOUT_S


@pytest.mark.parametrize("name", ASTRAY)
def test_16_a_bad_address_among_the_answers(found: dict[str, Any], name: str) -> None:
    """Nobody is asked: the only connection is that to the good name."""
    assert (found[name]["outcome"], found[name]["fault"]) == ("not_asked", "refused_address")
    assert found["connections"] == 1


def test_16_a_name_that_is_bound_to_another_address(found: dict[str, Any]) -> None:
    """It was delivered to while it led to a good address, and is not asked any more."""
    assert (found["rebound"]["outcome"], found["rebound"]["fault"]) == ("not_asked", "refused_address")
    assert found["rebound"]["connections"] == 1
