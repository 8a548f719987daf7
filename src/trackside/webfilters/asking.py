"""Asking: the requests of hooks that are asked side by side, within what is left of the question's time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from trackside.outbound.auth import Headers
from trackside.outbound.base import Answer, Failed, Outgoing
from trackside.webfilters.asker import Asker, replies
from trackside.webfilters.audit import Outcome
from trackside.webfilters.endpoints import TOO_MANY_REQUESTS, Endpoint, Endpoints
from trackside.webfilters.memory import Memory, Reply
from trackside.webfilters.moments import Moments
from trackside.webfilters.patch import Change
from trackside.webfilters.prepared import Prepared
from trackside.webfilters.replies import Failure, Stop
from trackside.webfilters.snapshot import Snapshot
from trackside.webfilters.tokens import Tokens

LEAST_S: Final = 0.001
"""With less time left nobody is asked."""
UNAUTHORIZED: Final = 401
FAIR_SHARE: Final = 0.5
"""With less of its time than this, that an answer came too late says nothing about its receiver."""


class Occasion(Struct, frozen=True, kw_only=True):
    """One question: its id, when it was asked, and how long it may take."""

    question_id: str
    at: datetime
    began_s: float
    """On the monotonic clock."""
    budget_s: float
    in_transaction: bool = False
    """Whether the caller holds a database transaction open."""
    refusal: str | None = None
    """Why nobody may be asked."""


class Means(Struct, frozen=True, kw_only=True):
    """What questions are asked with."""

    asker: Asker
    endpoints: Endpoints
    memory: Memory
    tokens: Tokens
    moments: Moments


class Turn(Struct, kw_only=True):
    """One hook in one question: the data as it is in its place in the order, and what comes of it."""

    prepared: Prepared
    seen: Snapshot
    shown: Snapshot | None = None
    """What the receiver is sent, which tells the same question by; None where nothing is remembered of it."""
    endpoint: Endpoint | None = None
    """The receiver, while it is asked."""
    reply: Answer | Failed | None = None
    failure: Failure | None = None
    cached: bool = False
    had_its_time: bool = True
    latency_s: float = 0.0
    outcome: Outcome = "passed"
    reason: str | None = None
    stop: Stop | None = None
    changes: Sequence[Change] = ()

    def skip(self, reason: str) -> None:
        """Note why the hook is not asked, which is no failure."""
        self.outcome, self.reason = "skipped", reason


class Asks:
    """Asks what belongs to one question."""

    def __init__(self, means: Means, occasion: Occasion) -> None:
        self.occasion = occasion
        self._means = means
        self._until = occasion.began_s + occasion.budget_s

    def ask(self, turns: Sequence[Turn]) -> None:
        """Give each turn its reply, or the failure that it was not asked for. Raises nothing."""
        asked: list[Turn] = []
        requests: list[Outgoing] = []
        for turn in turns:
            request = self._request(turn)
            if request is not None:
                asked.append(turn)
                requests.append(request)
        if not asked:
            return
        monotonic = self._means.moments.monotonic
        started_at = monotonic()
        found = replies(self._means.asker, requests, budget_s=self._until - started_at)
        took_s = monotonic() - started_at
        for turn, reply in zip(asked, found, strict=True):
            turn.reply = reply
            turn.latency_s = reply.duration_s or took_s
            if turn.endpoint is not None:
                turn.endpoint.leave(reply, started_at=started_at, had_its_time=turn.had_its_time)
            question = turn.prepared.token_question
            if question is not None and isinstance(reply, Answer) and reply.status == UNAUTHORIZED:
                self._means.tokens.refused(question)

    def remember(self, turn: Turn) -> None:
        """Let what came of a turn count for the same question, as long as its hook says."""
        hook, reply = turn.prepared.hook, turn.reply
        if turn.cached or turn.shown is None or reply is None or not turn.had_its_time:
            return
        kept: Reply = reply
        for_s = hook.cache_s
        if turn.failure is not None and turn.failure.kind == "unusable":
            kept, for_s = turn.failure, hook.failure_cache_s
        elif isinstance(reply, Failed):
            for_s = 0.0 if reply.is_ours else hook.failure_cache_s
        elif reply.status >= 500 or reply.status == TOO_MANY_REQUESTS:
            for_s = hook.failure_cache_s
        if for_s > 0:
            self._means.memory.keep(_key(turn.prepared, turn.shown), kept, for_s)

    def _request(self, turn: Turn) -> Outgoing | None:
        """Return the request; None where the reply is known, or there can be none."""
        prepared = turn.prepared
        if prepared.broken is not None:
            turn.failure = Failure(kind="unusable", reason=f"the hook cannot be used: {prepared.broken}")
            return None
        try:
            shown = prepared.shown(turn.seen)
            if self._recall(turn, shown):
                return None
            if self.occasion.refusal is not None:
                turn.failure = Failure(kind="request_exception", reason=self.occasion.refusal)
                return None
            token: Headers | Answer | Failed = ()
            if prepared.token_question is not None:
                token = self._token(turn, prepared.token_question)
            if isinstance(token, Answer | Failed):
                turn.reply, turn.shown = token, None  # what is known of tokens is kept with them
                return None
            timeout_s = self._time_s(turn)
            request = prepared.request(
                shown,
                self.occasion.question_id,
                at=self.occasion.at.isoformat(),
                at_s=int(self.occasion.at.timestamp()),
                timeout_s=timeout_s,
                more=token,
            )
        except Exception as error:  # noqa: BLE001  # the border: what could not be redacted is not sent
            turn.failure = Failure(kind="unusable", reason=f"the data cannot be sent: {type(error).__name__}")
            return None
        return request if self._enters(turn, timeout_s) else None

    def _enters(self, turn: Turn, timeout_s: float) -> bool:
        reason: str | None = "the budget of the question is used up"
        if timeout_s >= LEAST_S:
            endpoint = self._means.endpoints.of(turn.prepared.hook.url)
            reason = endpoint.enter()
            if reason is None:
                turn.endpoint = endpoint
                return True
        turn.failure = Failure(kind="request_exception", reason=reason or "")
        return False

    def _recall(self, turn: Turn, shown: Snapshot) -> bool:
        """Return whether the reply to the same question counts still."""
        hook = turn.prepared.hook
        if not (hook.cache_s or hook.failure_cache_s):
            return False
        turn.shown = shown
        if self._means.memory.is_empty:
            return False
        known = self._means.memory.recall(_key(turn.prepared, shown))
        turn.cached = known is not None
        if isinstance(known, Failure):
            turn.failure = known
        else:
            turn.reply = known
        return turn.cached

    def _token(self, turn: Turn, question: Outgoing) -> Headers | Answer | Failed:
        timeout_s = self._time_s(turn)
        return () if timeout_s < LEAST_S else self._means.tokens.headers(question, timeout_s=timeout_s)

    def _time_s(self, turn: Turn) -> float:
        left_s = self._until - self._means.moments.monotonic()
        wanted_s = turn.prepared.hook.timeout_s
        turn.had_its_time = left_s >= FAIR_SHARE * min(wanted_s, self.occasion.budget_s)
        return min(wanted_s, left_s)


def _key(prepared: Prepared, shown: Snapshot) -> str:
    """Return what the same question has in common with this one."""
    return f"{prepared.point.name} {prepared.fingerprint} {shown.hash}"
