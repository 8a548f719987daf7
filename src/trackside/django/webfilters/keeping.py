"""Questions are kept as rows by a thread with a connection of its own: no rollback takes them, and nobody waits."""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import msgspec
from django.db import DatabaseError, InterfaceError, OperationalError, connections, router
from django.db.backends.base.base import BaseDatabaseWrapper

from trackside.backends.handover import Delay, Handover
from trackside.django.outbox.forks import kept_from_forks
from trackside.django.webfilters.models import POINT_CHARS, WebfilterQuestion
from trackside.django.webfilters.settings import WebfilterSettings
from trackside.django.webfilters.transactions import transaction_of_test_case
from trackside.telemetry import catalogue
from trackside.tracker import DEFAULT_TRACKER_NAME, TRACKERS
from trackside.webfilters import Auditor, Question

logger = logging.getLogger(__name__)

QUEUE_BYTES: Final = 8_388_608
LINGER_S: Final = 0.1
BATCH: Final = 200
PURGE_EVERY_S: Final = 60.0
PURGE_ROWS: Final = 500
PURGE_STEPS: Final = 10
_OVERHEAD_BYTES: Final = 500

Entry = tuple[int, bytes, str]
"""About how many bytes it takes, the question as JSON, who asked."""


class Keeper:
    """Keeps the contract of an auditor over the table of questions.

    Within a Django test case nothing is kept: its transaction hides its rows from every other connection, and its
    end would not take back what another one wrote. Nor is anything kept in a database in memory.
    """

    def __init__(
        self,
        settings: WebfilterSettings,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`settings` may be replaced later."""
        self.settings = settings
        self._now = now
        self._monotonic = monotonic
        self._purge_at = float("-inf")
        self._handover: Handover[Entry] = Handover(
            "webfilter_questions",
            self._deliver,
            queue_bytes=QUEUE_BYTES,
            linger_s=LINGER_S,
            group_events=BATCH,
        )

    def record(self, question: Question) -> None:
        """Hand a question to the thread; where there is no room it is dropped, and counted."""
        if _is_of_a_test(router.db_for_write(WebfilterQuestion)):
            return
        text = msgspec.json.encode(question)
        if not self._handover.put((len(text) + _OVERHEAD_BYTES, text, _actor())):
            catalogue.WEBFILTER_AUDIT_FAILURES.add(1)

    def flush(self, timeout_s: float) -> bool:
        """Return True once all that was recorded is kept; False after the timeout."""
        return self._handover.flush(timeout_s)

    def _deliver(self, entries: Sequence[Entry]) -> Delay | None:
        return self._keep([row_of(text, actor) for _, text, actor in entries])

    def _keep(self, rows: list[WebfilterQuestion]) -> Delay | None:
        connection = connections[router.db_for_write(WebfilterQuestion)]
        with kept_from_forks(connection):
            try:
                if connection.vendor == "sqlite":
                    # who asks may hold the write lock for long: we come back, and keep nobody from forking meanwhile
                    with connection.cursor() as cursor:
                        cursor.execute("PRAGMA busy_timeout = 0")
                WebfilterQuestion.objects.bulk_create(rows)
            except (OperationalError, InterfaceError) as error:
                connection.close()
                reason = f"the database takes no questions now: {type(error).__name__}"
                return Delay(reason, lambda: self._keep(rows))
            except DatabaseError as error:
                refused = type(error).__name__
            else:
                self._tidy_up(connection)
                return None
        if len(rows) > 1:
            return self._one_by_one(rows)
        self._handover.losses.add(1, "refused", refused)
        catalogue.WEBFILTER_AUDIT_FAILURES.add(1)
        return None

    def _one_by_one(self, rows: list[WebfilterQuestion]) -> Delay | None:
        """Keep those that can be kept: one that the database refuses must not take the others with it."""
        for at in range(len(rows)):
            delay = self._keep(rows[at : at + 1])
            if delay is not None:
                return Delay(delay.reason, partial(self._one_by_one, rows[at:]))
        return None

    def _tidy_up(self, connection: BaseDatabaseWrapper) -> None:
        now_s = self._monotonic()
        try:
            if now_s >= self._purge_at:
                left = self.purge(PURGE_STEPS)
                self._purge_at = now_s if left else now_s + PURGE_EVERY_S
            connection.close_if_unusable_or_obsolete()
        except DatabaseError as error:
            self._purge_at = now_s + PURGE_EVERY_S
            logger.warning("old questions could not be removed", extra={"error": type(error).__name__})
            connection.close()

    def purge(self, steps: int) -> bool:
        """Remove what is too old and too many, in so many small steps; return whether some may be left."""
        rows = WebfilterQuestion.objects.order_by("pk")
        oldest = self._now() - timedelta(seconds=self.settings.audit_keep_s)
        most = self.settings.audit_most
        last = WebfilterQuestion.objects.order_by("-pk").values_list("pk", flat=True)[most : most + 1]
        outdated = [rows.filter(asked_at__lt=oldest), *(rows.filter(pk__lte=pk) for pk in last)]
        for _ in range(steps):
            keys = [pk for each in outdated for pk in each.values_list("pk", flat=True)[:PURGE_ROWS]]
            if not keys:
                return False
            WebfilterQuestion.objects.filter(pk__in=keys[:PURGE_ROWS]).delete()
        return True


class Auditors:
    """Several auditors as one; what one of them raises keeps nothing from the others."""

    def __init__(self, auditors: Sequence[Auditor]) -> None:
        self._auditors = auditors

    def record(self, question: Question) -> None:
        """Pass the question to each. Raises the first exception, at the end."""
        failed: list[Exception] = []
        for each in self._auditors:
            try:
                each.record(question)
            except Exception as error:  # noqa: BLE001  # raised below
                failed.append(error)
        if failed:
            raise failed[0]


def row_of(text: bytes, actor: str) -> WebfilterQuestion:
    """Return the row of a question as JSON; not saved."""
    # PostgreSQL keeps no NUL, in no text and in no JSON
    data: dict[str, Any] = msgspec.json.decode(text.replace(b"\\u0000", b"\\ufffd"))
    hooks = data["hooks"]
    names = "".join(f",{hook['hook']}" for hook in hooks)
    return WebfilterQuestion(
        question_id=data["id"][:64],
        point=data["point"][:POINT_CHARS],
        asked_at=datetime.fromisoformat(data["asked_at"]),
        actor=actor[:255],
        decision=data["decision"],
        would_be=data["would_be"],
        has_shadow=any(hook["mode"] == "shadow" and hook["outcome"] != "skipped" for hook in hooks),
        fail_open=data["fail_open"],
        in_transaction=data["in_transaction"],
        exception=(data["exception"] or "")[:255],
        halted_by=(data["halted_by"] or "")[:255],
        hook_names=f"{names}," if names else "",
        hooks=hooks,
        patch=data["patch"],
        conflicts=data["conflicts"],
        input_hash=data["input_hash"],
        duration_s=data["duration_s"],
        budget_s=data["budget_s"],
    )


def _is_of_a_test(using: str) -> bool:
    """Return whether the database is a test's alone; in memory two connections cannot even write side by side."""
    connection: Any = connections[using]
    in_memory = connection.vendor == "sqlite" and connection.is_in_memory_db()
    return in_memory or transaction_of_test_case(using) is not None


def _actor() -> str:
    tracker = TRACKERS.get(DEFAULT_TRACKER_NAME)
    context = {} if tracker is None else tracker.resolve_context()
    return str(context.get("username") or context.get("user_id") or "")
