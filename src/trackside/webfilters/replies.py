"""What a receiver's answer says: data to change, an exception to raise, or nothing that can be used.

    {"data": {"form_data": {"name": "New Name"}}}
    {"exception": {"PreventRegistration": "Not allowed to register"}}

Source: README of openedx-webhooks 18.0.1, "Responding to webfilters". An empty answer says: go on.
"""

import time
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from trackside.outbound.base import Answer, Failed
from trackside.outbound.signing import ID, verify
from trackside.webfilters.points import FilterPoint, Unfit
from trackside.webfilters.prepared import Prepared
from trackside.webfilters.snapshot import MOST_DEPTH, plainness

FailureKind = Literal["4xx", "5xx", "request_exception", "unusable"]
MOST_VALUES: Final = 5_000


class Stop(Struct, frozen=True, kw_only=True):
    """An exception that the point declares, made and ready to be raised."""

    name: str
    error: Exception


class Said(Struct, frozen=True, kw_only=True):
    """An answer that can be used."""

    data: dict[str, Any] = msgspec.field(default_factory=dict)
    stop: Stop | None = None


class Failure(Struct, frozen=True, kw_only=True):
    """There is no answer, or none that can be used."""

    kind: FailureKind
    reason: str
    """For operators: names at the most of what was answered, no value, and not the URL."""
    status: int | None = None
    stop: Stop | None = None
    """What the body of a 4xx or 5xx asked for."""


def judge(prepared: Prepared, reply: Answer | Failed, *, question_id: str | None = None) -> Said | Failure:
    """Return what a reply says. Never raises: what cannot be read is a failure.

    `question_id` is that of the question, for a signature to be checked; None where it was when the answer came.
    """
    if isinstance(reply, Failed):
        return Failure(kind="request_exception", reason=f"{reply.fault}: {reply.detail}")
    try:
        return _judged(prepared, reply, question_id)
    except Unfit as error:
        return Failure(kind="unusable", reason=str(error), status=reply.status)
    except Exception as error:  # noqa: BLE001  # the border: no answer may reach the platform as an exception
        reason = f"the answer cannot be read: {type(error).__name__}"
        return Failure(kind="unusable", reason=reason, status=reply.status)


def _judged(prepared: Prepared, answer: Answer, question_id: str | None) -> Said | Failure:
    status = answer.status
    if 400 <= status < 600:
        kind: FailureKind = "4xx" if status < 500 else "5xx"
        stop = _stop_of_failure(prepared, answer, question_id)
        return Failure(kind=kind, reason=f"it answered {status}", status=status, stop=stop)
    if not 200 <= status < 300:
        raise Unfit(f"it answered {status}, which is no answer here; redirects are not followed")
    said = _envelope(prepared, answer, question_id)
    return Said(
        data=_data(said) if prepared.changes else {},
        stop=None if prepared.hook.disable_halting else _stop(prepared.point, said),
    )


def _stop_of_failure(prepared: Prepared, answer: Answer, question_id: str | None) -> Stop | None:
    """Return what the body of a 403 asks for: who says both means it. An error page asks for nothing."""
    if prepared.hook.disable_halting:
        return None
    try:
        return _stop(prepared.point, _envelope(prepared, answer, question_id))
    except Exception:  # noqa: BLE001  # most bodies of errors are pages for people
        return None


def _envelope(prepared: Prepared, answer: Answer, question_id: str | None) -> dict[str, Any]:
    if answer.truncated:
        raise Unfit("the answer is too long, or broke off")
    if (coding := answer.headers.get("content-encoding", "identity").lower()) != "identity":
        raise Unfit(f"the answer is encoded as {coding[:20]!r}, which was not asked for")
    if (
        prepared.hook.signed_replies
        and question_id is not None
        and not _is_signed(prepared, answer, question_id)
    ):
        raise Unfit("the answer is not signed as it has to be")
    if not answer.body.strip():
        return {}
    try:
        said = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Unfit("the answer is no JSON") from None
    except RecursionError:
        raise Unfit("the answer is nested too deep") from None
    if not isinstance(said, dict):
        raise Unfit("the answer is no JSON object")
    if not _is_small(answer.body) and plainness(said, most_values=MOST_VALUES, most_depth=MOST_DEPTH) is None:
        raise Unfit(f"the answer is nested deeper than {MOST_DEPTH}, or more than {MOST_VALUES:,} values")
    return said


def _is_small(body: bytes) -> bool:
    """Return whether JSON can be neither deep nor of many values, which is seen without looking into it."""
    return len(body) < MOST_VALUES and body.count(b"{") + body.count(b"[") < MOST_DEPTH


def _data(said: dict[str, Any]) -> dict[str, Any]:
    data = said.get("data")
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise Unfit("data is no object")
    return data


def _stop(point: FilterPoint, said: dict[str, Any]) -> Stop | None:
    asked = said.get("exception")
    if asked is None or asked == {}:
        return None
    if not isinstance(asked, dict):
        raise Unfit("exception is no object")
    if len(asked) != 1:
        raise Unfit(f"exception has {len(asked)} names; want one")
    [(name, value)] = asked.items()
    stops = point.exceptions.get(name)
    if stops is None:
        known = ", ".join(point.exceptions) or "none"
        raise Unfit(f"exception has the name {name[:100]!r}; the point has: {known}")
    return Stop(name=name, error=stops.make(stops.checked(value)))


def _is_signed(prepared: Prepared, answer: Answer, question_id: str) -> bool:
    # the id must be that of the question: the answer to another one, kept, must not count for this one
    if answer.headers.get(ID) != question_id:
        return False
    return verify(answer.body, answer.headers, secrets=prepared.hook.secrets, now_s=time.time())
