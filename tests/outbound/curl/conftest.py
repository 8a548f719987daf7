"""What the tests of HTTP/2 share: a client that trusts the servers of the tests."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from h2.settings import SettingCodes

from tests.outbound.certificates import Authority
from tests.outbound.conftest import HERE, post
from tests.outbound.http2_server import Behave, Stream, offering, serving_http2
from tests.outbound.servers import Behave as Plain
from tests.outbound.servers import Server
from trackside.outbound.base import Answer, Failed
from trackside.outbound.tls import TlsFiles

if TYPE_CHECKING:
    from trackside.outbound.curl.client import CurlClient

HOST = "hooks.test"
TIMEOUT_S = 5.0
"""Of requests that are to be answered, however busy the machine is."""
SHORT_S = 0.4


class Both:
    """A server, and a client that asks it."""

    def __init__(self, server: Server, sender: "CurlClient") -> None:
        self.server = server
        self.sender = sender

    async def ask(self, path: str = "/hook", *, timeout_s: float = TIMEOUT_S, **more: Any) -> Answer | Failed:
        """Return what a request comes to."""
        return await self.sender.send(post(self.server.url(HOST, path), timeout_s=timeout_s, **more))

    async def ask_at_once(self, count: int, **more: Any) -> list[Answer | Failed]:
        """Return what some requests come to that are sent at a time."""
        return await asyncio.gather(*(self.ask(**more) for _ in range(count)))

    @property
    def counts(self) -> tuple[int, int]:
        """How many connections there were, and how many second tries."""
        return self.server.connections, self.sender.second_tries


Talk = Callable[..., AbstractAsyncContextManager[Both]]


@pytest.fixture(scope="session")
def certificate(authority: Authority) -> str:
    """Return the certificate of the servers."""
    return authority.issue("http2", HOST, "127.0.0.1")


@pytest.fixture
def talking(authority: Authority, certificate: str) -> Talk:
    """Return what runs such a server and opens a client that asks it."""
    from trackside.outbound.curl.client import CurlClient

    @asynccontextmanager
    async def talk(
        behave: Behave,
        *,
        context: ssl.SSLContext | None = None,
        settings: Mapping[SettingCodes, int] | None = None,
        plain: Plain | None = None,
        **of_client: Any,
    ) -> AsyncIterator[Both]:
        made: dict[str, Any] = {"policy": HERE, "lookup": lambda _: ["127.0.0.1"]}
        made["tls"] = TlsFiles(ca_file=str(authority.file))
        sender = CurlClient(**{**made, **of_client})
        async with serving_http2(
            behave, context or offering(certificate), settings=settings, plain=plain
        ) as server:
            yield Both(server, sender)
            await sender.close()

    return talk


def by_path(**behaviours: Behave) -> Behave:
    """Behave for each path as it says, and answer all others well."""

    async def behave(stream: Stream) -> None:
        await stream.request()
        name = dict(stream.headers)[":path"].removeprefix("/").partition("/")[0]
        if name in behaviours:
            await behaviours[name](stream)
        else:
            await stream.answer()

    return behave


def at(number: int, behave: Behave) -> Behave:
    """Answer well all requests but one."""
    seen: list[int] = []

    async def take(stream: Stream) -> None:
        await stream.request()
        seen.append(stream.number)
        if len(seen) == number:
            await behave(stream)
        else:
            await stream.answer()

    return take


def on_asyncio(main: Coroutine[Any, Any, None]) -> None:
    """Run a test on one loop; what differs between loops is tested with HTTP/1.1."""
    uncaught: list[dict[str, Any]] = []

    async def watched() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: uncaught.append(context))
        await main

    asyncio.run(watched())
    assert uncaught == []
