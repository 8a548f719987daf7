"""What the cases share: both HTTP clients, a resolver that is told what to say, an authority."""

import pytest

from tests.faults.cases.delivering import Names
from tests.outbound.certificates import Authority


@pytest.fixture(params=["curl", "aiohttp"])
def each_client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the test with each of the two clients."""
    if request.param == "curl":
        pytest.importorskip("pycurl")
    monkeypatch.setenv("TRACKSIDE_HTTP_CLIENT", request.param)
    return str(request.param)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Return what the system's resolver says."""
    return Names(monkeypatch)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return an authority that nobody trusts by default."""
    return Authority(tmp_path_factory.mktemp("certificates"))
