"""What an answer means: for the event, and for the endpoint.

| answer | for the event | for the endpoint |
|---|---|---|
| 2xx | delivered | it is well |
| 410 | stays where it is | gone: paused until an operator resumes it |
| 429, 503 with Retry-After | tried again then | left alone until then, with everything |
| a status of `refuse_statuses` | dead letter | nothing |
| any other answer, 3xx among them | tried again | one failure more |
| none: timeout, no connection, broken off, TLS | tried again | one failure more |
| none, by our own fault | stays where it is | nothing; left alone for a little while |
| none: its address is forbidden | stays where it is | left alone until the configuration is right |
"""

from collections.abc import Callable, Collection
from datetime import datetime
from http import HTTPStatus
from typing import Final

from msgspec import Struct

from trackside.destinations.base import Gone
from trackside.outbound.base import Answer, Failed, Fault
from trackside.outbound.retry_after import retry_after_s

OUR_FAULT_REST_S: Final = 5.0
FORBIDDEN_REST_S: Final = 60.0
"""What is configured changes with a restart; but a name can lead elsewhere again."""
_ASKS_FOR_TIME: Final = frozenset({429, 503})


class Taken(Struct, frozen=True, gc=False):
    """The endpoint has the event."""


class Failure(Struct, frozen=True, kw_only=True, gc=False):
    """The endpoint did not take the event: its fault."""

    reason: str
    after_s: float | None = None
    """So long it asked to be left alone, with everything."""


class Unwanted(Struct, frozen=True, kw_only=True, gc=False):
    """The endpoint will never take this event; that says nothing about others."""

    reason: str


class NotAsked(Struct, frozen=True, kw_only=True, gc=False):
    """The endpoint could not be asked, by no fault of its own: it is left alone for a while."""

    reason: str
    rest_s: float


Verdict = Taken | Failure | Unwanted | Gone | NotAsked
TAKEN = Taken()


def judge(
    reply: Answer | Failed, *, refuse_statuses: Collection[int], now: Callable[[], datetime]
) -> Verdict:
    """Return what a reply means. `now` gives what a date in Retry-After is compared with."""
    if isinstance(reply, Failed):
        return _without_answer(reply)
    status = reply.status
    if 200 <= status < 300:
        return TAKEN
    said = f"answered {status}{_phrase(status)}"
    if status == HTTPStatus.GONE:
        return Gone(reason=f"{said}: it wants no more events")
    if status in refuse_statuses:
        return Unwanted(reason=said)
    if 300 <= status < 400:
        return Failure(reason=f"{said}: redirects are not followed, set url to where it leads")
    asked = retry_after_s(reply.headers.get("retry-after"), now=now()) if status in _ASKS_FOR_TIME else None
    return Failure(reason=said, after_s=asked)


def _without_answer(failed: Failed) -> Verdict:
    if failed.fault is Fault.REFUSED_ADDRESS:
        return NotAsked(reason=f"url must not be asked: {failed.detail}", rest_s=FORBIDDEN_REST_S)
    if failed.is_ours:
        return NotAsked(reason=f"{failed.fault}: {failed.detail}", rest_s=OUR_FAULT_REST_S)
    return Failure(reason=f"{failed.fault}: {failed.detail}")


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""
