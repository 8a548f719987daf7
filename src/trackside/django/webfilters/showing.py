"""What came of a question, in a sentence for people."""

import json

from django.conf import settings

from trackside.django.webfilters.models import Webfilter
from trackside.django.webfilters.settings import read
from trackside.django.webfilters.transactions import requests_are_transactions, unasked_points
from trackside.webfilters import HookRecord, Question


def told(question: Question) -> str:
    """Return what the only hook of a question that was no question would have done."""
    hook = question.hooks[0]
    return (
        f"was asked about example data of {question.point}: {_would_have(question, hook)}"
        f" It took {hook.latency_s * 1_000:.0f} ms; nothing was changed."
    )


def why_unasked(row: Webfilter) -> str | None:
    """Return that a request would not ask it, and what is to be done about that; None where one would."""
    if not requests_are_transactions():
        return None
    points = unasked_points(row.point, read(settings)[0])
    if not points:
        return None
    return (
        f"Nobody is asked within a transaction, and each request is one here (ATOMIC_REQUESTS): {row.name} fails by its"
        f" policy at {', '.join(points)}, unless TRACKSIDE['webfilters']['ask_in_transaction'] allows it, or that of"
        " the point, or the code that asks."
    )


def _would_have(question: Question, hook: HookRecord) -> str:
    status = f" (status {hook.status})" if hook.status is not None else ""
    if hook.outcome == "failed":
        then = f"{question.exception} would have halted it" if hook.halts else "it would have gone on"
        return f"no usable answer{status}: {hook.reason}; {then}."
    if question.decision == "halted":
        return f"it would have halted with {question.exception}{status}."
    if question.decision == "changed":
        changes = ", ".join(
            f"{each.path} = {json.dumps(each.value, ensure_ascii=False, default=str)}"[:200]
            for each in hook.patch
        )
        return f"it would have changed {changes}{status}."
    return f"it would have gone on, unchanged{status}."
