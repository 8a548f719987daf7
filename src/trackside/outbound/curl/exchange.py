"""The way of one request, whoever drives it: its name, its connection, its second try, its outcome."""

import logging
import time
from collections.abc import Sequence
from enum import Enum

from trackside.outbound.base import Answer, Failed, Fault, Outgoing
from trackside.outbound.curl.faults import answered, is_stale, not_looked_up, outcome
from trackside.outbound.curl.multi import Ended, Multi
from trackside.outbound.curl.places import Places
from trackside.outbound.curl.transfer import Place
from trackside.outbound.headers import Lines, sendable_lines
from trackside.outbound.refusing import refusal
from trackside.telemetry import catalogue

logger = logging.getLogger(__name__)


class Need(Enum):
    """What a request waits for."""

    ADDRESSES = "addresses"
    """Of `Exchange.name`, for `Exchange.left_s` at most."""
    TURNS = "turns"
    """Its transfer has begun and moves with the turns of its multi."""


def judged(places: Places, request: Outgoing) -> tuple[Place, Lines] | Failed:
    """Return where a request goes and with which headers, or that it must not."""
    place = places.find(request.url)
    headers = sendable_lines(request.headers)
    if isinstance(place, str):
        return refusal(place)
    if isinstance(headers, str):
        return refusal(headers)
    return place, headers


class Exchange:
    """Says what a request waits for next, until it has an outcome. Whoever drives it says `end` in any case."""

    __slots__ = (
        *("outcome", "second_tries", "transfer"),
        *("_began_s", "_fresh", "_headers", "_multi", "_request", "_until_s"),
    )

    def __init__(
        self,
        multi: Multi,
        request: Outgoing,
        headers: Lines,
        place: Place,
        until_s: float,
    ) -> None:
        """`until_s` is the end of its time on the monotonic clock."""
        self._multi = multi
        self._began_s = time.monotonic()
        self._until_s = until_s
        self._fresh = False
        self.second_tries = 0
        self.outcome: Answer | Failed
        self.transfer = multi.take(request.tls)
        self.transfer.place = place
        self._request = request
        self._headers = headers

    @property
    def name(self) -> str:
        """The name to look up, empty where there is none."""
        dialled = self.transfer.place.dialled
        return "" if dialled is None else dialled[0]

    @property
    def led_nowhere(self) -> bool:
        """Whether no connection came of a name's addresses: it may have moved."""
        return not self.transfer.maybe_sent and bool(self.name)

    @property
    def left_s(self) -> float:
        """How much of the request's time is left."""
        return self._until_s - time.monotonic()

    def begin(self) -> Need | None:
        """Return what is needed first; None where there is an outcome."""
        transfer = self.transfer
        transfer.prepare(self._request, self._headers)
        if transfer.place.dialled is None or self._multi.knows(transfer.place):
            return self._begin()
        return Need.ADDRESSES

    def take_addresses(self, found: Sequence[str] | OSError) -> Need | None:
        """Go on with what the name leads to: one bad address among them refuses it."""
        if isinstance(found, OSError):
            self._fail(*not_looked_up(found, through_proxy=self.transfer.through_proxy))
            return None
        for address in found:
            if reason := self._multi.options.policy.why_not_address(address, self.name):
                detail = f"an address of its host is not to be reached: {reason}"
                self.outcome = refusal(detail, duration_s=self._duration_s())
                return None
        self._multi.tell(self.transfer, found)
        return self._begin()

    def take_end(self, ended: Ended) -> Need | None:
        """Go on after the transfer's end, or conclude."""
        transfer = self.transfer
        if transfer.status and not transfer.restarts:  # nearly always
            took_s = time.monotonic() - self._began_s
            self.outcome = answered(transfer, cut=ended.code != 0, duration_s=took_s)
            return None
        if transfer.is_old:
            return Need.ADDRESSES
        if transfer.is_gone:
            return self._begin(last=self._multi.keeps_gone(transfer))
        if is_stale(ended) and not self._fresh and (transfer.moved or not transfer.restarts):
            # It never got there, or its answer never came back: a receiver knows a repeated request by its id.
            self._fresh = True
            self.second_tries += 1
            catalogue.OUTBOUND_SECOND_TRIES.add(1)
            return self._begin()
        if transfer.restarts:
            self.second_tries += 1
            catalogue.OUTBOUND_SECOND_TRIES.add(1)
        self.outcome = outcome(ended, duration_s=self._duration_s())
        return None

    def break_down(self, error: Exception) -> Answer | Failed:
        """Return what it comes to where our own code failed: nobody who sends may be hit by that."""
        logger.error("a request failed in a way nobody foresaw", exc_info=error)
        return self.cut_off(f"unforeseen: {type(error).__name__}")

    def cut_off(self, why: str) -> Answer | Failed:
        """Return what it comes to where we ourselves end it here."""
        if self.transfer.status:
            return answered(self.transfer, cut=True, duration_s=self._duration_s())
        self._fail(Fault.LOCAL, why)
        return self.outcome

    def end(self) -> None:
        """Free its place, and its connection where that is in the middle of something."""
        self._multi.give_back(self.transfer)

    def _begin(self, *, last: bool = False) -> Need | None:
        if self._multi.is_closed:
            self._fail(Fault.LOCAL, "the client was closed")
            return None
        left_s = self._until_s - time.monotonic()
        if left_s <= 0:
            self._fail(Fault.TIMEOUT, "no connection within the time")
            return None
        transfer = self.transfer
        transfer.begin(
            left_s, fresh=self._fresh, last=last, plain=transfer.place.url in self._multi.streams.plain
        )
        self._multi.begin(transfer)
        return Need.TURNS

    def _fail(self, fault: Fault, detail: str) -> None:
        self.outcome = Failed(
            fault=fault,
            detail=detail,
            maybe_sent=self.transfer.maybe_sent,
            duration_s=self._duration_s(),
        )

    def _duration_s(self) -> float:
        return time.monotonic() - self._began_s
