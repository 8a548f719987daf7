"""Questions to real servers, those that misbehave too: the platform waits for its budget and no longer."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.outbound.servers import Behave, Connection, Server, answering, dripping, flooding, hang, serving
from tests.webfilters.tools import DATA, ENROLLMENT, PreventEnrollment, hook
from trackside.outbound.blocking import BlockingClient
from trackside.outbound.policy import AddressPolicy
from trackside.outbound.signing import verify
from trackside.webfilters import Question, Rules, Webfilters

BUDGET_S = 0.4
LATE_S = 1.0
"""So much may a busy machine add; a server that counted would take for ever."""
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def running(behave: Behave) -> Iterator[Server]:
    """Run a server on a loop in a thread of its own while the block runs."""
    ready, done = threading.Event(), asyncio.Event()
    found: list[Server] = []
    loops: list[asyncio.AbstractEventLoop] = []

    async def run() -> None:
        async with serving(behave) as server:
            found.append(server)
            loops.append(asyncio.get_running_loop())
            ready.set()
            await done.wait()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert ready.wait(5)
    try:
        yield found[0]
    finally:
        loops[0].call_soon_threadsafe(done.set)
        thread.join(5)


@pytest.fixture
def client() -> Iterator[BlockingClient]:
    """Return a client that may reach this machine."""
    client = BlockingClient(policy=AddressPolicy(allow=["127.0.0.0/8"]))
    yield client
    client.close()


def saying(body: bytes, *, status: bytes = b"200 OK", after_s: float = 0.0) -> Behave:
    """Answer every request with this body."""

    async def behave(connection: Connection) -> None:
        while True:
            await connection.request()
            await asyncio.sleep(after_s)
            await connection.send(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))

    return behave


class Kept:
    """An auditor."""

    def __init__(self) -> None:
        self.questions: list[Question] = []

    def record(self, question: Question) -> None:
        """Keep it."""
        self.questions.append(question)


def test_a_question_over_http(client: BlockingClient) -> None:
    """Sent, signed, answered, applied; the second one over the kept connection."""
    seen: list[tuple[bytes, bytes]] = []

    async def behave(connection: Connection) -> None:
        while True:
            head, body = await connection.request()
            seen.append((head, body))
            answer = json.dumps({"data": {"mode": json.loads(body)["mode"] + "!"}}).encode()
            await connection.send(b"%bContent-Length: %d\r\n\r\n%b" % (HEAD, len(answer), answer))

    with running(behave) as server:
        webfilters = Webfilters([hook(url=server.url(), secret=KEY)], asker=client)
        assert webfilters.ask(ENROLLMENT, DATA).data["mode"] == "audit!"
        assert webfilters.ask(ENROLLMENT, {**DATA, "mode": "honor"}).data["mode"] == "honor!"
        assert server.connections == 1
    head, body = seen[0]
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if line)
    assert verify(body, headers, secrets=[KEY], now_s=time.time())


BAD: dict[str, Behave] = {
    "a black hole": hang,
    "a head that drips": dripping(HEAD + b"X: " + b"y" * 5_000 + b"\r\n\r\n{}"),
    "a body that drips": dripping(HEAD + b"Content-Length: 5000\r\n\r\n" + b" " * 5_000),
    "a body without an end": flooding(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"4\r\n    \r\n", []),
    "continue without an end": flooding(
        b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", []
    ),
}


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("policy", ["fail_open", "fail_closed"])
def test_no_server_takes_more_than_the_budget(client: BlockingClient, what: str, policy: Any) -> None:
    """Whatever it does with the connection, and whatever time its hook would have."""
    kept = Kept()
    with running(BAD[what]) as server:
        hooks = [
            hook(name, url=server.url(), timeout_s=30, on_failure=policy, failure_cache_s=0) for name in "ab"
        ]
        webfilters = Webfilters(hooks, asker=client, auditor=kept, rules=Rules(budget_s=BUDGET_S))
        began = time.monotonic()
        if policy == "fail_open":
            assert webfilters.ask(ENROLLMENT, DATA).changes == {}
        else:
            with pytest.raises(PreventEnrollment):
                webfilters.ask(ENROLLMENT, DATA)
        took_s = time.monotonic() - began
    assert took_s <= BUDGET_S + LATE_S
    assert kept.questions[0].hooks[0].outcome == "failed"


def test_three_deciders_take_the_time_of_one(client: BlockingClient) -> None:
    """They are asked side by side."""
    with running(saying(b"{}", after_s=0.1)) as server:
        hooks = [hook(name, url=server.url(path=f"/{name}"), kind="decider") for name in "abc"]
        webfilters = Webfilters(hooks, asker=client)
        webfilters.ask(ENROLLMENT, DATA)
        began = time.monotonic()
        webfilters.ask(ENROLLMENT, {**DATA, "mode": "x"})
        assert time.monotonic() - began < 0.2


def test_a_dead_decider_does_not_delay_beyond_its_own_time(client: BlockingClient) -> None:
    """The one beside it is heard, and stops."""
    kept = Kept()
    no = b'{"exception": {"PreventEnrollment": "No"}}'
    with running(hang) as dead, running(saying(no)) as alive:
        hooks = [
            hook("dead", url=dead.url(), kind="decider", timeout_s=0.1),
            hook("alive", url=alive.url(), kind="decider"),
        ]
        webfilters = Webfilters(hooks, asker=client, auditor=kept)
        with pytest.raises(PreventEnrollment, match="No"):
            webfilters.ask(ENROLLMENT, DATA)
    assert kept.questions[0].duration_s < 0.1 + LATE_S
    assert [each.outcome for each in kept.questions[0].hooks] == ["halted", "failed"]


def test_nobody_listens(client: BlockingClient) -> None:
    """Refused at once; after five times it is not even tried."""
    kept = Kept()
    with running(answering()) as server:
        url = server.url()
    webfilters = Webfilters([hook(url=url, failure_cache_s=0)], asker=client, auditor=kept)
    for _ in range(6):
        webfilters.ask(ENROLLMENT, DATA)
    assert str(kept.questions[0].hooks[0].reason).startswith("unreachable")
    assert kept.questions[5].hooks[0].reason == "it is left alone after failures"


def test_private_addresses_are_not_asked_by_default() -> None:
    """The policy is that of the client, decided on the address itself."""
    kept = Kept()
    with running(answering()) as server:
        strict = BlockingClient()
        webfilters = Webfilters([hook(url=server.url())], asker=strict, auditor=kept)
        assert webfilters.ask(ENROLLMENT, DATA).changes == {}
        strict.close()
        assert server.connections == 0
    assert str(kept.questions[0].hooks[0].reason).startswith("refused_address")
