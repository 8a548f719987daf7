"""One client for all who want the same of one: thousands of endpoints are not thousands of pools of connections."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from typing import Any

from trackside.outbound.base import USER_AGENT, Answer, Client, Failed, Lease, LeasedClient, Outgoing
from trackside.outbound.opening import open_client
from trackside.outbound.policy import AddressPolicy
from trackside.outbound.tls import MACHINE_S, TlsFiles


class SharedClients:
    """Clients by what they may reach and who they say they are; each is closed when nobody has it any more."""

    def __init__(self, make: Callable[..., LeasedClient] = open_client) -> None:
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
        return _Leased(shared, self._give_back)

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

    def __init__(self, client: LeasedClient, key: Hashable) -> None:
        self.client = client
        self.key = key
        self.users = 0


class _Leased:
    """The part that one user has in a shared client."""

    def __init__(self, shared: _Shared, give_back: Callable[[_Shared], Awaitable[None]]) -> None:
        self._shared = shared
        self._give_back = give_back
        self._lease = Lease()

    def send(self, request: Outgoing) -> Coroutine[Any, Any, Answer | Failed]:
        """Return what came back. Raises only CancelledError."""
        # no coroutine of its own around the client's: each costs, for every request
        return self._shared.client.send(request, self._lease)

    async def close(self) -> None:
        """Give the client back; what this user still has under way fails as LOCAL, others' requests go on."""
        if self._lease.is_over:
            return
        self._lease.is_over = True
        self._shared.client.end_of(self._lease)
        await self._give_back(self._shared)
