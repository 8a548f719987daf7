"""The HTTP client on curl, for event loops.

curl does the protocol; what is ours is the same as with aiohttp: when it ends, where it may go, how much is read and
what a failure is called. Why there are two: docs/decisions/0014-a-client-on-curl.md.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

from trackside.outbound.base import KEPT_IDLE_S, USER_AGENT, Answer, Failed, Fault, Lease, Outgoing
from trackside.outbound.curl.exchange import Exchange, Need, judged
from trackside.outbound.curl.multi import Ended, Multi
from trackside.outbound.curl.options import curl_options
from trackside.outbound.curl.places import Places
from trackside.outbound.curl.transfer import Transfer
from trackside.outbound.names import Lookup, Names, system_lookup
from trackside.outbound.policy import AddressPolicy
from trackside.outbound.proxy import parse_proxy
from trackside.outbound.tls import MACHINE_S, TlsFiles


class CurlClient:
    """Sends requests within a deadline, over kept connections, to nobody the policy forbids.

    Its settings and promises are those of `trackside.outbound.client.HttpClient`.
    """

    def __init__(
        self,
        *,
        policy: AddressPolicy | None = None,
        tls: TlsFiles = MACHINE_S,
        proxy: str = "",
        keepalive_s: float = KEPT_IDLE_S,
        user_agent: str = USER_AGENT,
        lookup: Lookup = system_lookup,
        http2: bool = True,
    ) -> None:
        """Raises ConfigurationError for a proxy's URL that is none, and for files of TLS that cannot be used."""
        self.policy = policy or AddressPolicy()
        self.second_tries = 0
        """How many requests went out again: a kept connection was closed from the other side, or it refused them."""
        through = parse_proxy(proxy) if proxy else None
        self._options = curl_options(
            policy=self.policy,
            tls=tls,
            proxy=through,
            keepalive_s=keepalive_s,
            user_agent=user_agent,
            http2=http2,
        )
        self._places = Places(self.policy, through)
        self._names = Names(lookup)
        self._multi: Multi | None = None
        self._loop: asyncio.AbstractEventLoop
        self._waiting: dict[Transfer, tuple[asyncio.Future[Ended | None], Lease | None]] = {}
        self._deadlines: dict[asyncio.Timeout, Lease | None] = {}
        self._turns_soon = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_s = 0.0
        self._rest: asyncio.TimerHandle | None = None
        self._last_s = 0.0
        self._closed = False

    async def send(self, request: Outgoing, lease: Lease | None = None) -> Answer | Failed:
        """Return what came back. Raises only CancelledError."""
        if self._is_over(lease):
            return Failed(fault=Fault.LOCAL, detail="the client is closed", maybe_sent=False)
        found = judged(self._places, request)
        if isinstance(found, Failed):
            return found
        place, headers = found
        until_s = time.monotonic() + request.timeout_s
        exchange = Exchange(self._multi or self._open(), request, headers, place, until_s)
        transfer = exchange.transfer
        try:
            need = exchange.begin()
            while need is not None:
                if need is Need.TURNS:
                    self._arm()
                    waiter: asyncio.Future[Ended | None] = self._loop.create_future()
                    self._waiting[transfer] = waiter, lease
                    ended = await waiter
                    if ended is None:
                        return exchange.cut_off("the client was closed")
                    need = self._after(ended, exchange)
                    if need is not None and self._is_over(lease):
                        return exchange.cut_off("the client was closed")
                else:
                    addresses = await self._look_up(exchange, lease)
                    if self._is_over(lease):
                        return exchange.cut_off("the client was closed")
                    need = exchange.take_addresses(addresses)
            return exchange.outcome
        except Exception as error:  # noqa: BLE001  # the border: whatever a foreign server makes of the client
            return exchange.break_down(error)
        finally:
            self._waiting.pop(transfer, None)
            self.second_tries += exchange.second_tries
            exchange.end()
            self._last_s = time.monotonic()

    def end_of(self, lease: Lease) -> None:
        """Let the requests under way of a lease fail as LOCAL, unless their status is known already."""
        self._cut_off(lambda whose: whose is lease)

    async def close(self) -> None:
        """Close all connections; requests under way fail as LOCAL, unless their status is known already."""
        self._closed = True
        self._cut_off(lambda _: True)
        self._end()

    def _is_over(self, lease: Lease | None) -> bool:
        return self._closed or (lease is not None and lease.is_over)

    def _cut_off(self, is_meant: Callable[[Lease | None], bool]) -> None:
        now_s = asyncio.get_running_loop().time()
        for deadline, whose in [*self._deadlines.items()]:
            if is_meant(whose) and not deadline.expired():
                deadline.reschedule(now_s)
        for waiter, whose in self._waiting.values():
            if is_meant(whose) and not waiter.done():
                waiter.set_result(None)

    def _after(self, ended: Ended, exchange: Exchange) -> Need | None:
        need = exchange.take_end(ended)
        if need is None and exchange.led_nowhere:
            self._names.forget(exchange.name)
        return need

    async def _look_up(self, exchange: Exchange, lease: Lease | None) -> Sequence[str] | OSError:
        deadline = asyncio.timeout(exchange.left_s)
        try:
            async with deadline:
                self._deadlines[deadline] = lease
                return await self._names.addresses(exchange.name)
        except OSError as error:  # TimeoutError is one
            return error
        finally:
            self._deadlines.pop(deadline, None)

    def _open(self) -> Multi:
        self._loop = asyncio.get_running_loop()
        self._multi = Multi(self._options, self._names.fresh)
        self._loop.add_reader(self._multi.epoll.fileno(), self._turn)
        self._rest = self._loop.call_later(self._options.keepalive_s, self._rest_if_idle)
        return self._multi

    def _turn(self) -> None:
        """Let curl do what there is to do."""
        self._turns_soon = False
        if self._multi is None:
            return
        for ended in self._multi.turn():
            waiting = self._waiting.get(ended.transfer)
            if waiting is not None and not waiting[0].done():
                waiting[0].set_result(ended)
        self._arm()

    def _arm(self) -> None:
        """See to it that curl has its next turn in time."""
        if self._turns_soon or self._multi is None or self._multi.due_s is None:
            return
        due_s = self._multi.due_s
        if due_s == 0:
            self._turns_soon = True
            self._loop.call_soon(self._turn)
        elif self._timer is None or due_s < self._timer_s:
            if self._timer is not None:
                self._timer.cancel()
            # one that is early is cheaper than one for each of curl's changes of mind
            self._timer_s = due_s
            self._timer = self._loop.call_later(max(due_s - time.monotonic(), 0), self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._turn()

    def _rest_if_idle(self) -> None:
        """Close the connections that nobody needs any more; the next request opens others."""
        idle_s = time.monotonic() - self._last_s
        if self._waiting or self._deadlines or idle_s < self._options.keepalive_s:
            self._rest = self._loop.call_later(self._options.keepalive_s, self._rest_if_idle)
        else:
            self._end()

    def _end(self) -> None:
        for timer in (self._timer, self._rest):
            if timer is not None:
                timer.cancel()
        self._timer = self._rest = None
        multi, self._multi = self._multi, None
        if multi is not None:
            self._loop.remove_reader(multi.epoll.fileno())
            multi.close()
