"""What an answer means for the events of the request.

Three kinds of no are told apart. The place is busy, or the network is away: the events are tried again and spend
attempts. Something in the request is not taken: that may be one event of a hundred, so smaller requests find it.
The place does not know us: no event can help that, so none is spent (docs/decisions/0012).
Source: Segment's HTTP API, its "Errors" (segment-docs, November 2025), and which answers its current SDKs try again.
"""

import re
from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import Struct

from trackside.destinations.base import DELIVERED, Delivered, Refused, Retry, Unsent
from trackside.outbound.base import Answer, Failed, Fault
from trackside.outbound.retry_after import retry_after_s

Verdict = Delivered | Retry | Refused | Unsent

LONGEST_ASKED_S = 300.0
"""The longest wait that is granted; Segment's own libraries grant no more."""
OPERATORS_REST_S = 30.0
"""How soon a place is asked again that only an operator can make take anything."""

_BUSY = frozenset({408, 410, 425, 429, 460})
_NEVER_BUSY = frozenset({501, 505})
_CONTENT = frozenset({400, 413, 422})
_WRONG_KEY = "invalid_write_key"
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class _Failure(Struct):
    code: str = ""


def judge(reply: Answer | Failed, now: datetime) -> Verdict:
    """Return what becomes of all events of a request; Refused is about one of them at least."""
    if isinstance(reply, Failed):
        return _judge_fault(reply)
    status = reply.status
    if 200 <= status < 300:
        return DELIVERED
    code = _code(reply.body)
    said = f"Segment answered {status}{f' ({code})' if code else ''}"
    if status in _CONTENT and code != _WRONG_KEY:
        return Refused(reason=said)
    asked_s = _asked_s(reply.headers, now)
    if status in _BUSY or (status >= 500 and status not in _NEVER_BUSY):
        return Retry(reason=said, after_s=asked_s)
    return Unsent(rest_s=max(asked_s or 0.0, OPERATORS_REST_S), reason=f"{said}; {_remedy(status, code)}")


def _judge_fault(failed: Failed) -> Verdict:
    if failed.fault is Fault.REFUSED_ADDRESS:
        return Unsent(rest_s=OPERATORS_REST_S, reason=f"Segment was not asked: {failed.detail}; check host")
    return Retry(
        reason=f"no answer from Segment: {failed.fault.value}: {failed.detail}",
        spends_attempt=not failed.is_ours,
    )


def _remedy(status: int, code: str) -> str:
    if status in {401, 403} or code == _WRONG_KEY:
        return "check write_key"
    return "check host"


def _code(body: bytes) -> str:
    """Return the word in which the place says why; "" where it says nothing that is surely a word of its own."""
    try:
        code = msgspec.json.decode(body, type=_Failure).code
    except (msgspec.MsgspecError, RecursionError):
        return ""
    return code if _WORD.fullmatch(code) else ""


def _asked_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return how long the place wants to be left alone, up to 300 seconds; None where it does not say."""
    asked = retry_after_s(headers.get("retry-after"), now=now, longest_s=LONGEST_ASKED_S)
    if asked is None:
        asked = retry_after_s(headers.get("x-ratelimit-reset"), now=now, longest_s=LONGEST_ASKED_S)
    return asked or None  # "at once" leaves it to the schedule: a busy place is not to be hurried
