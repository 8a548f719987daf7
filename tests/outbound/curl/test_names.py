"""What curl is told of names: all addresses, judged; not for ever; and it never asks by itself."""

import asyncio
import socket
from collections.abc import Sequence

import pytest

from tests.outbound.conftest import HERE, Run, answered, client, failure, post
from tests.outbound.servers import OK, Connection, answering, serving
from trackside.outbound.base import Fault
from trackside.outbound.policy import AddressPolicy

pytest.importorskip("pycurl")

from trackside.outbound.curl.multi import Multi
from trackside.outbound.curl.options import curl_options
from trackside.outbound.curl.places import Places
from trackside.outbound.tls import MACHINE_S

pytestmark = pytest.mark.parametrize("client_class", ["curl"], indirect=True)
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Moving:
    """A name that leads elsewhere each time it is asked for."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = [*addresses]
        self.asked = 0

    def __call__(self, _: str) -> Sequence[str]:
        """Return the next address, the last one again and again."""
        self.asked += 1
        return [self._addresses.pop(0) if len(self._addresses) > 1 else self._addresses[0]]


@pytest.fixture(autouse=True)
def old_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each answer about a name be too old for the next connection."""
    monkeypatch.setattr("trackside.outbound.names.FRESH_S", 0.0)


def test_a_kept_connection_needs_no_name(run: Run[None]) -> None:
    async def main() -> None:
        name = Moving("127.0.0.1", "127.0.0.2")
        sender = client(lookup=name)
        async with serving(answering()) as server:
            for _ in range(3):
                answered(await sender.send(post(server.url("hooks.test"))))
            assert (name.asked, server.connections) == (1, 1)
        await sender.close()

    run(main())


def test_a_new_connection_goes_where_the_name_leads_now(run: Run[None]) -> None:
    async def main() -> None:
        name = Moving("127.0.0.1", "127.0.0.2", "127.0.0.1")
        sender = client(lookup=name)
        async with serving(answering(CLOSING)) as server:
            answered(await sender.send(post(server.url("hooks.test"))))
            outcome = await sender.send(post(server.url("hooks.test")))
            failure(outcome, Fault.UNREACHABLE, maybe_sent=False)
            answered(await sender.send(post(server.url("hooks.test"))))
            assert (name.asked, server.connections) == (3, 2)
        await sender.close()

    run(main())


def test_case_16_a_name_that_turns_bad_is_refused_with_the_next_connection(run: Run[None]) -> None:
    async def main() -> None:
        sender = client(policy=AddressPolicy(allow=["127.0.0.1"]), lookup=Moving("127.0.0.1", "127.0.0.2"))
        async with serving(answering(CLOSING)) as server:
            answered(await sender.send(post(server.url("hooks.test"))))
            outcome = await sender.send(post(server.url("hooks.test")))
            failure(outcome, Fault.REFUSED_ADDRESS, maybe_sent=False)
        await sender.close()

    run(main())


def test_a_second_try_asks_for_the_name_too(run: Run[None]) -> None:
    async def behave(connection: Connection) -> None:
        await connection.request()
        await connection.send(OK)
        await connection.request()

    async def main() -> None:
        name = Moving("127.0.0.1")
        sender = client(lookup=name)
        async with serving(behave) as server:
            for _ in range(2):
                answered(await sender.send(post(server.url("hooks.test"))))
            assert (name.asked, server.connections, sender.second_tries) == (2, 2, 1)
        await sender.close()

    run(main())


def test_many_first_requests_to_a_name_at_a_time(run: Run[None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trackside.outbound.names.FRESH_S", 30.0)

    async def main() -> None:
        name = Moving("127.0.0.1")
        sender = client(lookup=name)
        async with serving(answering()) as server:
            request = post(server.url("hooks.test"), timeout_s=5)
            for outcome in await asyncio.gather(*(sender.send(request) for _ in range(30))):
                answered(outcome)
        assert name.asked == 1
        await sender.close()

    run(main())


def test_curl_does_not_ask_by_itself(run: Run[None]) -> None:
    """Also where it was told nothing of a name that the system knows: the request ends, and asks for addresses."""

    async def main() -> None:
        policy = AddressPolicy(allow=["localhost"])
        options = curl_options(policy=HERE, tls=MACHINE_S, proxy=None, keepalive_s=1, user_agent="x")
        multi = Multi(options, lambda _: None)
        async with serving(answering()) as server:
            place = Places(policy, None).find(server.url("localhost"))
            assert not isinstance(place, str)
            transfer = multi.take()
            transfer.place = place
            transfer.prepare(post(server.url("localhost")), ((), []))
            transfer.begin(5)
            multi.begin(transfer)
            ended = [*multi.turn(), *multi.turn()]
            assert ended[0].transfer.is_old
            assert server.connections == 0
        multi.close()

    run(main())


def test_curl_forgets_names_that_were_not_used_for_long(
    run: Run[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trackside.outbound.curl.multi.TOLD_NAMES", 3)

    async def main() -> None:
        sender = client(lookup=Moving("127.0.0.1"))
        async with serving(answering(CLOSING)) as server:
            for number in [*range(10), 0, 1, 9, 0]:
                answered(await sender.send(post(server.url(f"h{number}.test"))))
        assert len(sender._multi._told) <= 3  # type: ignore[union-attr]
        await sender.close()

    run(main())


def test_an_address_of_version_6_in_the_url_and_behind_a_name(run: Run[None]) -> None:
    async def main() -> None:
        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(CLOSING)
            writer.close()

        try:
            listener = await asyncio.start_server(take, "::1", 0)
        except OSError:
            pytest.skip("this machine has no IPv6")
        port = listener.sockets[0].getsockname()[1]
        sender = client(policy=AddressPolicy(allow=["::1"]), lookup=lambda _: ["::1"])
        for host in ("[::1]", "hooks.test"):
            answered(await sender.send(post(f"http://{host}:{port}/hook")))
        await sender.close()
        listener.close()

    if not socket.has_ipv6:
        pytest.skip("this Python has no IPv6")
    run(main())
