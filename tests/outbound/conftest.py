"""What the tests of the client share: both event loops, and a client that may reach this machine."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import pytest
import uvloop

from tests.outbound.certificates import Authority
from tests.outbound.servers import Behave, serving
from trackside.outbound.base import Answer, Failed, Fault, Outgoing
from trackside.outbound.client import HttpClient
from trackside.outbound.policy import AddressPolicy

if TYPE_CHECKING:
    from trackside.outbound.curl.client import CurlClient

AnyClient: TypeAlias = "HttpClient | CurlClient"
T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]
HERE = AddressPolicy(allow=["127.0.0.0/8"])
TIMEOUT_S = 0.8
"""Longer than a busy machine of CI stands still."""


def _curl_client() -> "type[CurlClient]":
    from trackside.outbound.curl.client import CurlClient  # pycurl is not there for every machine

    return CurlClient


CLIENTS = {"aiohttp": lambda: HttpClient, "curl": _curl_client}
_chosen: "type[AnyClient] | None" = None
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest, client_class: "type[AnyClient]") -> Run[Any]:
    """Return what runs a coroutine on one of two loops with one of two clients, uncaught exceptions as failures."""

    def run_it(main: Coroutine[Any, Any, T]) -> T:
        uncaught: list[dict[str, Any]] = []

        async def watched() -> T:
            asyncio.get_running_loop().set_exception_handler(lambda _, context: uncaught.append(context))
            return await main

        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            outcome = runner.run(watched())
        assert uncaught == []
        return outcome

    return run_it


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return an authority that nobody trusts by default."""
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(params=CLIENTS)
def client_class(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> "type[AnyClient]":
    """Let `new_client` and `client` make clients of one of the two kinds."""
    if request.param == "curl":
        pytest.importorskip("pycurl")
    chosen: type[AnyClient] = CLIENTS[request.param]()
    monkeypatch.setattr("tests.outbound.conftest._chosen", chosen)
    return chosen


def new_client(**settings: Any) -> "AnyClient":
    """Return a client of the kind that the test runs with."""
    assert _chosen is not None, "the test has neither `run` nor `client_class`"
    return _chosen(**settings)


def client(**settings: Any) -> "AnyClient":
    """Return a client that may reach this machine."""
    return new_client(**{"policy": HERE, **settings})


def post(url: str, *, body: bytes = b'{"a": 1}', timeout_s: float = TIMEOUT_S, **more: Any) -> Outgoing:
    """Return a request that has not much time."""
    return Outgoing(url=url, body=body, timeout_s=timeout_s, **more)


async def outcome_of(behave: Behave, *, timeout_s: float = TIMEOUT_S, **more: Any) -> Answer | Failed:
    """Return what one request to such a server comes to."""
    sender = client()
    async with serving(behave) as server:
        outcome = await sender.send(post(server.url(), timeout_s=timeout_s, **more))
        await sender.close()
    return outcome


def answered(outcome: Answer | Failed) -> Answer:
    """Return the answer that there is."""
    assert isinstance(outcome, Answer), outcome
    return outcome


def failure(outcome: Answer | Failed, fault: Fault, *, maybe_sent: bool) -> Failed:
    """Return the failure that there is, of this kind."""
    assert isinstance(outcome, Failed), outcome
    assert (outcome.fault, outcome.maybe_sent) == (fault, maybe_sent), outcome
    assert outcome.is_ours == (fault in {Fault.PROXY, Fault.LOCAL})
    assert "/hook" not in outcome.detail
    return outcome
