"""One client for all who want the same of one: thousands of endpoints are not thousands of pools of connections."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Final

from trackside.outbound.base import USER_AGENT, Answer, Client, Failed, Fault, Outgoing
from trackside.outbound.opening import open_client
from trackside.outbound.policy import AddressPolicy
from trackside.outbound.tls import MACHINE_S, TlsFiles

_CLOSED: Final = "the client was closed"


class SharedClients:
    """Clients by what they may reach and who they say they are; each is closed when nobody has it any more."""

    def __init__(self, make: Callable[..., Client] = open_client) -> None:
        self._make = make
        self._clients: dict[Hashable, _Shared] = {}

    def acquire(
        self,
        *,
        policy: AddressPolicy,
        tls: TlsFiles = MACHINE_S,
        proxy: str = "",
        user_agent: str = USER_AGENT,
        http2: bool = True,
    ) -> Client:
        """Return a client whose `close` gives it back; needs a running event loop. Raises ConfigurationError."""
        key = (asyncio.get_running_loop(), policy, tls, proxy, user_agent, http2)
        shared = self._clients.get(key)
        if shared is None:
            client = self._make(policy=policy, tls=tls, proxy=proxy, user_agent=user_agent, http2=http2)
            shared = self._clients[key] = _Shared(client, key)
        shared.users += 1
        return _Lease(shared, self._give_back)

    def __len__(self) -> int:
        """Return how many clients there are."""
        return len(self._clients)

    async def _give_back(self, shared: "_Shared") -> None:
        shared.users -= 1
        if not shared.users:
            del self._clients[shared.key]
            await shared.client.close()


class _Shared:
    """A client, and how many have it."""

    def __init__(self, client: Client, key: Hashable) -> None:
        self.client = client
        self.key = key
        self.users = 0


class _Lease:
    """The part that one user has in a shared client."""

    def __init__(self, shared: _Shared, give_back: Callable[[_Shared], Awaitable[None]]) -> None:
        self._shared = shared
        self._give_back = give_back
        self._loop: asyncio.AbstractEventLoop | None = None
        self._under_way: dict[asyncio.Task[object], bool] = {}
        """Those who wait for an answer, and whether the end of this lease cut them off."""
        self._closed = False

    async def send(self, request: Outgoing) -> Answer | Failed:
        """Return what came back. Raises only CancelledError."""
        if self._closed:
            return Failed(fault=Fault.LOCAL, detail="the client is closed", maybe_sent=False)
        if self._loop is None:  # each look at it asks the system who we are (until Python 3.12)
            self._loop = asyncio.get_running_loop()
        task = asyncio.current_task(self._loop)
        assert task is not None  # noqa: S101  # a coroutine runs in one
        self._under_way[task] = False
        try:
            return await self._shared.client.send(request)
        except asyncio.CancelledError:
            if not self._under_way[task] or task.uncancel():
                raise
            return Failed(fault=Fault.LOCAL, detail=_CLOSED)
        finally:
            del self._under_way[task]

    async def close(self) -> None:
        """Give the client back; what this user still has under way fails as LOCAL, others' requests go on."""
        if self._closed:
            return
        self._closed = True
        for task in self._under_way:
            self._under_way[task] = task.cancel()
        await self._give_back(self._shared)
