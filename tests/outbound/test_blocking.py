"""The client of callers who wait: side by side, within a budget, from any thread and after a fork."""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from tests.outbound.certificates import Authority, server_tls
from tests.outbound.conftest import HERE, answered, failure, post
from tests.outbound.servers import OK, Behave, Connection, Server, answering, hang, serving
from trackside.errors import ConfigurationError
from trackside.outbound.base import Fault
from trackside.outbound.blocking import BlockingClient

BUDGET_S = 5.0


@pytest.fixture(autouse=True, params=["aiohttp", "curl"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run each test with each of the two clients behind it."""
    if request.param == "curl":
        pytest.importorskip("pycurl")
    monkeypatch.setenv("TRACKSIDE_HTTP_CLIENT", request.param)
    return str(request.param)


@contextmanager
def served(behave: Behave, tls: Any = None) -> Iterator[Server]:
    """Run a server in a thread while the block runs."""
    started, stop = threading.Event(), asyncio.Event()
    found: list[Server] = []
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with serving(behave, tls) as server:
            found.append(server)
            started.set()
            await stop.wait()

    def run() -> None:
        loop.run_until_complete(serve())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(5)
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


@contextmanager
def asking(**settings: Any) -> Iterator[BlockingClient]:
    """Return a client that may reach this machine."""
    client = BlockingClient(**{"policy": HERE, **settings})
    try:
        yield client
    finally:
        client.close()


def slowly(seconds: float) -> Behave:
    """Answer each request after a while, with its path's last letter as the body."""

    async def behave(connection: Connection) -> None:
        while True:
            head, _ = await connection.request()
            await asyncio.sleep(seconds)
            letter = head.split()[1][-1:]
            await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + letter)

    return behave


def test_all_at_a_time_and_in_their_order() -> None:
    with served(slowly(0.2)) as server, asking() as client:
        began_s = time.monotonic()
        requests = [post(server.url(path=f"/hook/{letter}"), timeout_s=5) for letter in "abcdefgh"]
        outcomes = client.ask(requests, budget_s=BUDGET_S)
        assert [answered(outcome).body for outcome in outcomes] == [b"%c" % letter for letter in b"abcdefgh"]
        assert time.monotonic() - began_s < 0.2 * 4


def test_connections_are_kept() -> None:
    with served(answering()) as server, asking() as client:
        for _ in range(5):
            answered(client.ask([post(server.url())], budget_s=BUDGET_S)[0])
        assert (server.connections, client.second_tries) == (1, 0)


def test_the_budget_ends_all_of_them_and_its_own_time_each() -> None:
    with served(hang) as server, served(answering()) as good, asking() as client:
        requests = [post(server.url(), timeout_s=0.1), post(server.url(), timeout_s=30), post(good.url())]
        began_s = time.monotonic()
        first, second, third = client.ask(requests, budget_s=0.3)
        assert 0.27 <= time.monotonic() - began_s <= 0.5
        assert failure(first, Fault.TIMEOUT, maybe_sent=True).duration_s < 0.25
        assert failure(second, Fault.TIMEOUT, maybe_sent=True).duration_s >= 0.27
        assert answered(third).duration_s < 0.1


def test_who_must_not_be_reached_is_not_and_the_others_are() -> None:
    with served(answering()) as server, asking(lookup=lambda _: ["10.0.0.1"]) as client:
        urls = ["http://10.0.0.1/hook", "http://inside.test/hook", server.url(), "http://127.0.0.1:1/hook"]
        refused, name, good, port = client.ask([post(url) for url in urls], budget_s=BUDGET_S)
        for outcome in (refused, name, port):
            failure(outcome, Fault.REFUSED_ADDRESS, maybe_sent=False)
        assert answered(good).status == 200


def test_a_kept_connection_that_was_closed_meanwhile_costs_a_second_try() -> None:
    async def behave(connection: Connection) -> None:
        await connection.request()
        await connection.send(OK)
        await connection.request()

    with served(behave) as server, asking() as client:
        for _ in range(2):
            assert answered(client.ask([post(server.url())], budget_s=BUDGET_S)[0]).status == 200
        assert (client.second_tries, server.connections) == (1, 2)


def test_a_name_that_is_not_found_in_time_holds_up_nobody() -> None:
    release = threading.Event()

    def lookup(host: str) -> Sequence[str]:
        if host == "slow.test":
            release.wait(30)
        return ["127.0.0.1"]

    with served(answering()) as server, asking(lookup=lookup) as client:
        requests = [post("http://slow.test/hook", timeout_s=9), post(server.url("quick.test"), timeout_s=9)]
        slow, quick = client.ask(requests, budget_s=0.3)
        failure(slow, Fault.TIMEOUT, maybe_sent=False)
        assert answered(quick).duration_s < 0.2
        failure(client.ask(requests[:1], budget_s=0.1)[0], Fault.TIMEOUT, maybe_sent=False)
        release.set()


def test_a_name_that_leads_nowhere() -> None:
    def lookup(_: str) -> Sequence[str]:
        raise OSError("no")

    with asking(lookup=lookup) as client:
        failure(
            client.ask([post("http://gone.test/hook")], budget_s=1)[0], Fault.UNRESOLVED, maybe_sent=False
        )


def test_that_a_name_leads_nowhere_is_remembered_for_a_while(kind: str) -> None:
    if kind != "curl":
        pytest.skip("without pycurl the loop forgets it")
    asked: list[str] = []

    def lookup(host: str) -> Sequence[str]:
        asked.append(host)
        raise OSError("no")

    with asking(lookup=lookup) as client:
        for _ in range(2):
            [outcome] = client.ask([post("http://gone.test/hook")], budget_s=1)
            failure(outcome, Fault.UNRESOLVED, maybe_sent=False)
    assert asked == ["gone.test"]


def test_a_name_whose_addresses_lead_nowhere_is_asked_for_anew() -> None:
    """It may have moved."""
    asked: list[str] = []

    def lookup(host: str) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    with served(answering()) as server:
        url = server.url("moved.test")
    with asking(lookup=lookup) as client:
        for _ in range(2):
            failure(client.ask([post(url)], budget_s=1)[0], Fault.UNREACHABLE, maybe_sent=False)
    assert asked == ["moved.test"] * 2


def test_one_that_asks_alone_and_several_share_connections() -> None:
    with served(answering()) as server, asking() as client:
        for count in (2, 1, 2, 1, 1):
            for outcome in client.ask([post(server.url())] * count, budget_s=BUDGET_S):
                answered(outcome)
        assert (server.connections, client.second_tries) == (2, 0)


def test_what_a_signal_raises_reaches_who_asks_at_once() -> None:
    """As the time limit of a worker, or somebody's ^C."""

    class Enough(BaseException):
        pass

    def raising(*_: object) -> None:
        raise Enough

    before = signal.signal(signal.SIGALRM, raising)
    try:
        with served(hang) as server, served(answering()) as good, asking() as client:
            answered(client.ask([post(good.url())], budget_s=BUDGET_S)[0])
            began_s = time.monotonic()
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(Enough):
                client.ask([post(server.url(), timeout_s=5)], budget_s=BUDGET_S)
            assert time.monotonic() - began_s < 2
            answered(client.ask([post(good.url())], budget_s=BUDGET_S)[0])
            assert (good.connections, client.second_tries) == (1, 0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_nothing_to_ask() -> None:
    with asking() as client:
        assert client.ask([], budget_s=1) == []


def test_threads_ask_at_the_same_time() -> None:
    outcomes: list[object] = []
    with served(slowly(0.1)) as server, asking() as client:

        def ask() -> None:
            for _ in range(3):
                outcomes.extend(client.ask([post(server.url(), timeout_s=5)] * 3, budget_s=BUDGET_S))

        threads = [threading.Thread(target=ask) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [getattr(outcome, "status", outcome) for outcome in outcomes] == [200] * 45


def test_the_connections_of_a_thread_end_with_it(kind: str) -> None:
    if kind != "curl":
        pytest.skip("without pycurl all threads share the connections of one loop")
    ended = threading.Event()

    async def behave(connection: Connection) -> None:
        await connection.request()
        await connection.send(OK)
        assert await connection.reader.read() == b""
        ended.set()

    with served(behave) as server, asking() as client:
        thread = threading.Thread(target=lambda: client.ask([post(server.url())], budget_s=BUDGET_S))
        thread.start()
        thread.join()
        assert ended.wait(5)


FORKING = """
import os, sys
from trackside.outbound.base import Outgoing
from trackside.outbound.blocking import BlockingClient
from trackside.outbound.policy import AddressPolicy
from trackside.outbound.tls import TlsFiles

url, ca_file = sys.argv[1:]
client = BlockingClient(policy=AddressPolicy(allow=["127.0.0.0/8"]), tls=TlsFiles(ca_file=ca_file))
ask = lambda: client.ask([Outgoing(url=url, body=b"x", timeout_s=5)], budget_s=5)[0].status
print("parent", ask(), flush=True)
for number in range(2):
    child = os.fork()
    if child == 0:
        print("child", ask(), ask(), flush=True)
        sys.exit(0)
    assert os.waitpid(child, 0)[1] == 0
print("parent", ask(), client.second_tries, flush=True)
"""


def test_after_a_fork_parent_and_child_have_connections_of_their_own(authority: Authority) -> None:
    """What the child does, its end included, says nothing on the parent's connection: that would end its TLS."""
    context = server_tls(authority.issue("forking", "127.0.0.1"))
    with served(answering(), context) as server:
        command = [sys.executable, "-W", "ignore", "-c", FORKING, server.url(), str(authority.file)]
        printed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        assert printed.stdout.splitlines() == ["parent 200", *["child 200 200"] * 2, "parent 200 0"]
        assert server.connections == 3


def test_what_cannot_be_used_is_told() -> None:
    with pytest.raises(ConfigurationError, match=r"want http://proxy\.example\.org:3128"):
        BlockingClient(proxy="proxy:3128")
