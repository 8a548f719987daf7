"""HTTP/2 with certificates of ours, through a proxy, under a policy, to the end, and from threads."""

import asyncio
import threading
from typing import Any

import pytest

from tests.outbound.certificates import Authority
from tests.outbound.conftest import HERE, answered, failure, post
from tests.outbound.curl.conftest import HOST, TIMEOUT_S, Talk, by_path, on_asyncio
from tests.outbound.http2_server import Stream, answer, hang, offering
from tests.outbound.servers import Connection, serving, tunnel
from trackside.outbound.base import Answer, Fault
from trackside.outbound.policy import AddressPolicy
from trackside.outbound.tls import TlsFiles

pytest.importorskip("pycurl")


async def _nobody(_: Connection) -> None:
    raise AssertionError("HTTP/2 was to be spoken")


def test_a_client_certificate_is_shown(talking: Talk, authority: Authority, certificate: str) -> None:
    tls = TlsFiles(ca_file=str(authority.file), certificate_file=authority.issue("ours-http2"))
    context = offering(certificate, clients_of=authority)

    async def main() -> None:
        async with talking(answer, context=context, plain=_nobody, tls=tls) as both:
            answered(await both.ask())

    on_asyncio(main())


def test_it_goes_through_a_proxy_s_tunnel(talking: Talk) -> None:
    heads: list[bytes] = []

    async def main() -> None:
        async with (
            talking(answer, plain=_nobody) as direct,
            serving(tunnel(heads, direct.server.port)) as proxy,
        ):
            through = f"http://127.0.0.1:{proxy.port}"
            async with talking(hang, proxy=through) as both:
                for _ in range(2):
                    url = f"https://{HOST}:{direct.server.port}/hook"
                    answered(await both.sender.send(post(url, timeout_s=TIMEOUT_S)))
            assert direct.server.connections == 1

    on_asyncio(main())
    assert len(heads) == 1
    assert heads[0].startswith(b"CONNECT hooks.test:")


def test_case_16_each_new_connection_is_judged(talking: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that turns bad is asked no more once its connection is gone."""
    monkeypatch.setattr("trackside.outbound.names.FRESH_S", 0.0)
    found = [["127.0.0.1"], ["127.0.0.2"]]

    async def last(stream: Stream) -> None:
        await stream.answer()
        await stream.connection.say_goodbye(last=stream.number)
        stream.connection.wire.writer.close()

    async def main() -> None:
        only = AddressPolicy(allow=["127.0.0.1"])
        async with talking(
            by_path(last=last), policy=only, lookup=lambda _: found.pop(0) if found[1:] else found[0]
        ) as both:
            answered(await both.ask())
            answered(await both.ask("/last"))
            await asyncio.sleep(0.05)
            outcome = await both.ask()
            failure(outcome, Fault.REFUSED_ADDRESS, maybe_sent=False)
            assert both.server.connections == 1

    on_asyncio(main())


def test_closing_ends_what_is_under_way_as_our_own_fault(talking: Talk) -> None:
    async def main() -> None:
        there = asyncio.Semaphore(0)

        async def begun(stream: Stream) -> None:
            await stream.say(202)
            await stream.send(b"abc")
            there.release()
            await stream.given_up.wait()

        async def stuck(stream: Stream) -> None:
            there.release()
            await stream.given_up.wait()

        async with talking(by_path(begun=begun, stuck=stuck)) as both:
            answered(await both.ask())
            tasks = [asyncio.create_task(both.ask(path, timeout_s=30)) for path in ("/begun", "/stuck")]
            for _ in tasks:
                await asyncio.wait_for(there.acquire(), TIMEOUT_S)
            await asyncio.sleep(0.05)  # what was sent must have been read
            await both.sender.close()
            answer_, failed = [await task for task in tasks]
            assert isinstance(answer_, Answer)
            assert (answer_.status, answer_.body, answer_.truncated) == (202, b"abc", True)
            failure(failed, Fault.LOCAL, maybe_sent=True)

    on_asyncio(main())


def test_threads_that_wait_speak_it_too(
    authority: Authority, certificate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.outbound.http2_server import serving_http2
    from trackside.outbound.blocking import BlockingClient

    monkeypatch.setenv("TRACKSIDE_HTTP_CLIENT", "curl")
    ports: list[int] = []
    started, counts = threading.Event(), []
    stop, loop = asyncio.Event(), asyncio.new_event_loop()

    async def serve() -> None:
        async with serving_http2(answer, offering(certificate), plain=_nobody) as server:
            ports.append(server.port)
            started.set()
            await stop.wait()
            counts.append(server.connections)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert started.wait(TIMEOUT_S)
    tls = TlsFiles(ca_file=str(authority.file))
    asker = BlockingClient(policy=HERE, tls=tls, lookup=lambda _: ["127.0.0.1"])
    request: Any = post(f"https://{HOST}:{ports[0]}/hook", timeout_s=TIMEOUT_S)
    for count in (1, 5, 5):
        for outcome in asker.ask([request] * count, budget_s=TIMEOUT_S):
            assert answered(outcome).body == b"ok"
    asker.close()
    loop.call_soon_threadsafe(stop.set)
    thread.join(TIMEOUT_S)
    loop.close()
    assert counts == [1]
