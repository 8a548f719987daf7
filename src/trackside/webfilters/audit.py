"""The record of one question: who was asked, what each said, what came of it."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, Literal, Protocol

import msgspec
from msgspec import UNSET, Struct, UnsetType

from trackside.processors.redaction import SECRET_KEYS, RedactionProcessor
from trackside.webfilters.hook import Kind, Mode
from trackside.webfilters.patch import Change

logger = logging.getLogger(__name__)

ASKED: Final = "trackside.webfilter.asked"
"""The name of the event that tells of a question."""
Outcome = Literal["passed", "changed", "halted", "failed", "skipped"]
Decision = Literal["passed", "changed", "halted"]


class Changed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change."""

    path: str
    value: Any | UnsetType = UNSET
    """The new value, redacted; missing where values are not recorded."""


class Conflict(Struct, frozen=True, kw_only=True):
    """Several hooks changed one field; the last one's value stayed."""

    path: str
    hooks: Sequence[str]


class HookRecord(Struct, frozen=True, kw_only=True):
    """What became of one hook in one question."""

    hook: str
    mode: Mode
    kind: Kind
    outcome: Outcome
    """In shadow: what it would have been. failed: there was no usable answer; see `halts`."""
    reason: str | None = None
    halts: bool = False
    """Whether the platform was halted by it; in shadow: would have been."""
    exception: str | None = None
    patch: Sequence[Changed] = ()
    status: int | None = None
    latency_s: float = 0.0
    fail_open: bool = False
    """Whether it failed and the platform went on all the same."""
    cached: bool = False
    """Whether an answer to the same question counted, so that it was not asked."""


class Question(Struct, frozen=True, kw_only=True):
    """One question, answered."""

    id: str
    """What receivers were sent as `event_metadata.id` and `webhook-id`."""
    point: str
    asked_at: datetime
    input_hash: str
    """Of what the point sends; the same data has the same hash."""
    decision: Decision
    would_be: Decision
    """The decision if the hooks in shadow had been obeyed too."""
    hooks: Sequence[HookRecord]
    exception: str | None = None
    halted_by: str | None = None
    patch: Sequence[Changed] = ()
    conflicts: Sequence[Conflict] = ()
    fail_open: bool = False
    """Whether a hook that is obeyed failed and the platform went on."""
    in_transaction: bool = False
    """Whether the platform held a transaction open meanwhile, and its locks."""
    duration_s: float
    budget_s: float


class Auditor(Protocol):
    """Keeps questions, or passes them on."""

    def record(self, question: Question) -> None:
        """Take a question; quickly, for the platform waits. What it raises is logged and reaches nobody."""
        ...


class EmittingAuditor:
    """Makes each question an event."""

    def __init__(self, emit: Callable[[str, dict[str, Any]], object]) -> None:
        """`emit` is that of a tracker."""
        self._emit = emit

    def record(self, question: Question) -> None:
        """Emit `trackside.webfilter.asked`."""
        self._emit(ASKED, event_data(question))


def event_data(question: Question) -> dict[str, Any]:
    """Return the data of the event that tells of a question."""
    data: dict[str, Any] = msgspec.to_builtins(question)
    return data


class ChangesShown:
    """Makes of changes what may be recorded of them."""

    def __init__(
        self,
        *,
        values: bool = True,
        keys: Sequence[str] = SECRET_KEYS,
        patterns: Sequence[str] = ("email", "card"),
    ) -> None:
        """`values` says whether values are recorded; `keys` and `patterns`, as of a redaction, hide some of them."""
        self._redaction = RedactionProcessor(keys=keys, patterns=patterns) if values else None

    def of(self, changes: Sequence[Change]) -> Sequence[Changed]:
        """Return the paths, and the values as far as they may be shown."""
        return tuple([Changed(path=".".join(each.path), value=self._value(each)) for each in changes])

    def _value(self, change: Change) -> Any:
        if self._redaction is None:
            return UNSET
        try:
            return self._redaction.value_under(change.path, change.value)
        except Exception:  # noqa: BLE001  # the border: what cannot be redacted is not shown
            return UNSET
