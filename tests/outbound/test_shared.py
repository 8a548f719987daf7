"""One client for many endpoints: what they share, and what each has for itself."""

import asyncio
from typing import Any

import pytest

from tests.outbound.certificates import Authority, server_tls
from tests.outbound.conftest import HERE, Run, answered, failure, new_client, post
from tests.outbound.servers import Connection, answering, hang, serving
from trackside.errors import ConfigurationError
from trackside.outbound.base import Fault, Lease
from trackside.outbound.client import HttpClient
from trackside.outbound.policy import AddressPolicy
from trackside.outbound.shared import SharedClients
from trackside.outbound.tls import TlsFiles


def test_who_wants_the_same_shares_the_connections(run: Run[None]) -> None:
    async def main() -> None:
        clients = SharedClients(new_client)
        async with serving(answering()) as server:
            # equal policies, not the same one: each endpoint has settings of its own
            some = [clients.acquire(policy=AddressPolicy(allow=["127.0.0.0/8"])) for _ in range(5)]
            for client in some:
                assert answered(await client.send(post(server.url()))).status == 200
            assert (len(clients), server.connections) == (1, 1)
            for client in some:
                await client.close()
                await client.close()
            assert len(clients) == 0
            failure(await some[0].send(post(server.url())), Fault.LOCAL, maybe_sent=False)

    run(main())


def test_who_wants_something_else_has_a_client_of_its_own(run: Run[None]) -> None:
    async def main() -> None:
        clients = SharedClients(new_client)
        wanted = [
            {"policy": HERE},
            {"policy": AddressPolicy()},
            {"policy": HERE, "user_agent": "other"},
            {"policy": HERE, "http2": False},
            {"policy": HERE, "proxy": "http://proxy.internal:3128"},
        ]
        leases = [clients.acquire(**each) for each in wanted]  # type: ignore[arg-type]
        assert len(clients) == len(wanted)
        for lease in leases:
            await lease.close()
        assert len(clients) == 0

    run(main())


def test_who_leaves_ends_his_own_requests_and_nobody_else_s(run: Run[None]) -> None:
    async def main() -> None:
        clients = SharedClients(new_client)
        there = asyncio.Semaphore(0)
        go_on = asyncio.Event()

        async def behave(connection: Connection) -> None:
            await connection.request()
            there.release()
            await go_on.wait()
            await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        stays, leaves = clients.acquire(policy=HERE), clients.acquire(policy=HERE)
        async with serving(behave) as server:
            request = post(server.url(), timeout_s=30)
            sending = [asyncio.create_task(client.send(request)) for client in (stays, leaves)]
            for _ in sending:
                await asyncio.wait_for(there.acquire(), 5)
            await leaves.close()
            failure(await sending[1], Fault.LOCAL, maybe_sent=True)
            go_on.set()
            assert answered(await sending[0]).status == 200
        await stays.close()

    run(main())


def test_who_cancels_gets_a_cancellation(run: Run[None]) -> None:
    async def main() -> None:
        client = SharedClients(new_client).acquire(policy=HERE)
        async with serving(hang) as server:
            sending = asyncio.create_task(client.send(post(server.url(), timeout_s=30)))
            await asyncio.sleep(0.05)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
        await client.close()

    run(main())


def test_who_leaves_in_the_moment_of_a_failure_can_close(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection with TLS that broke is given a turn of the loop to tell why."""

    class Leaving:
        def __getattr__(self, name: str) -> Any:
            return getattr(asyncio, name)

        async def sleep(self, delay_s: float) -> None:
            turns.append(delay_s)
            lease.is_over = True
            client.end_of(lease)
            await asyncio.sleep(delay_s)

    async def close(connection: Connection) -> None:
        await connection.request()

    async def main() -> None:
        async with serving(close, server_tls(authority.issue("left", "127.0.0.1"))) as server:
            failure(await client.send(post(server.url(), timeout_s=5), lease), Fault.LOCAL, maybe_sent=True)
        await client.close()

    turns: list[float] = []
    lease = Lease()
    client = HttpClient(policy=HERE, tls=TlsFiles(ca_file=str(authority.file)))
    monkeypatch.setattr("trackside.outbound.client.asyncio", Leaving())
    asyncio.run(main())
    assert turns == [0]


def test_what_cannot_be_used_is_told_and_leaves_nothing_behind(run: Run[None]) -> None:
    async def main() -> None:
        clients = SharedClients(new_client)
        with pytest.raises(ConfigurationError, match="cannot be used"):
            clients.acquire(policy=HERE, tls=TlsFiles(ca_file="/nowhere.pem"))
        assert len(clients) == 0

    run(main())


def test_policies_are_equal_where_they_answer_the_same() -> None:
    one = AddressPolicy(allow=["10.0.0.0/8", "crm.internal"], ports=[443])
    assert one == AddressPolicy(allow=["crm.internal", "10.0.0.0/8"], ports=[443])
    assert hash(one) == hash(AddressPolicy(allow=["crm.internal", "10.0.0.0/8"], ports=[443]))
    for other in (
        AddressPolicy(allow=["10.0.0.0/8", "crm.internal"]),
        AddressPolicy(allow=["10.0.0.0/8"], ports=[443]),
        AddressPolicy(allow=["crm.internal"], ports=[443]),
        AddressPolicy(allow=["10.0.0.0/8", "crm.internal"], ports=[443], allow_private_networks=True),
    ):
        assert one != other
