"""What every test may use: free ports, services that skip or fail, the profiles of the property tests."""

import os
import shutil
import socket
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

_EXAMPLES = {"few": 10, "dev": 50, "ci": 200, "fuzz": int(os.environ.get("TRACKSIDE_FUZZ_EXAMPLES", "20000"))}
for _profile, _examples in _EXAMPLES.items():
    settings.register_profile(
        _profile,
        max_examples=_examples,
        deadline=None,
        derandomize=_profile == "ci",  # the same examples for everybody who runs one commit
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))

RequireService = Callable[..., str]


def missing(what: str) -> None:
    """Skip the test because `what` is not there, or fail it where services are required."""
    if os.environ.get("TRACKSIDE_REQUIRE_SERVICES") == "1":
        pytest.fail(f"{what} is missing, and TRACKSIDE_REQUIRE_SERVICES=1")
    pytest.skip(f"{what} is missing")


@pytest.fixture(scope="session")
def require_service() -> RequireService:
    """Return a function: the path of the first program found; it skips or fails where none is there."""

    def require(*programs: str) -> str:
        for program in programs:
            if path := shutil.which(program):
                return path
        missing(" or ".join(programs))
        raise AssertionError  # `missing` never returns

    return require


@pytest.fixture
def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
