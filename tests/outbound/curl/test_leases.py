"""What becomes of a request whose sender leaves while it is between two tries."""

import asyncio

import pytest

from tests.outbound.conftest import HERE, answered, failure, post
from tests.outbound.servers import OK, Connection, serving
from trackside.outbound.base import Fault, Lease

pytest.importorskip("pycurl")

from trackside.outbound.curl.client import CurlClient
from trackside.outbound.curl.exchange import Exchange, Need
from trackside.outbound.curl.multi import Ended


class _Leaving(CurlClient):
    """A client whose lease ends in the moment in which a transfer has ended."""

    def __init__(self, lease: Lease) -> None:
        super().__init__(policy=HERE)
        self._leaves = lease
        self.tries = 0

    def _after(self, ended: Ended, exchange: Exchange) -> Need | None:
        self.tries += 1
        if self.tries > 1:
            self._leaves.is_over = True
            self.end_of(self._leaves)
        return super()._after(ended, exchange)


def test_there_is_no_second_try_for_who_left() -> None:
    """It would go on behind the back of a destination that is closed."""

    async def once(connection: Connection) -> None:
        await connection.request()
        await connection.send(OK)
        await connection.request()  # and closes: the client may try again

    async def main() -> None:
        lease = Lease()
        client = _Leaving(lease)
        async with serving(once) as server:
            answered(await client.send(post(server.url()), lease))
            failure(await client.send(post(server.url()), lease), Fault.LOCAL, maybe_sent=True)
            assert (client.tries, server.connections) == (2, 1)
        await client.close()

    asyncio.run(main())
