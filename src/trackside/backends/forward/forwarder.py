"""Brings what a log holds to a Trackside server: in order, at least once, from a position that is on disk."""

import logging
import random as standard_random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from trackside.backends.forward.client import BatchClient, Later, Refused, Taken
from trackside.backends.forward.wire import Item, is_emitted, to_body, to_item
from trackside.backends.losses import Losses
from trackside.errors import StorageError
from trackside.event import Event
from trackside.log.base import Log, Page
from trackside.log.subscription import DeadLetter, Progress
from trackside.telemetry import catalogue

SUBSCRIPTION = "forward"
BATCH_EVENTS = 500
BATCH_BYTES = 450_000
EVENT_BYTES = 65_536
DEPTH = 100
"""The limits that a server has by default (`limits.event_bytes`, `limits.depth`)."""
IDLE_S = 1.0
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 60.0
JITTER = 0.2
MAINTAIN_EVERY_S = 60.0

logger = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class _Stretch(Struct, frozen=True):
    """Neighbours in the log that are dealt with together."""

    items: list[Item]
    others: int
    """How many events there are not for forwarding."""
    through: int


class Forwarder:
    """Reads a log at its own pace and posts it to a server; one at a time for each log.

    A batch that the server refuses is halved until the event is found that it does not take; that one becomes a
    dead letter of the subscription `forward`, with its content. Everything else is tried until it is taken.
    """

    def __init__(
        self,
        log: Log,
        client: BatchClient,
        *,
        event_bytes: int = EVENT_BYTES,
        depth: int = DEPTH,
        clock: Callable[[], datetime] = _now,
        random: Callable[[], float] = standard_random.random,
    ) -> None:
        self._log = log
        self._client = client
        self._event_bytes = event_bytes
        self._depth = depth
        self._clock = clock
        self._random = random
        self._subscription = log.subscription(SUBSCRIPTION)
        self._losses = Losses(SUBSCRIPTION)
        self._failures = 0
        self._failing = False
        self._maintain_at = 0.0

    def run(self, stop: threading.Event) -> None:
        """Forward until `stop` is set. What is under way then is finished, or sent again another time."""
        while not stop.is_set():
            try:
                wait_s = self.step()
                self._maintain()
            except StorageError as error:
                self._losses.delayed(str(error))
                wait_s = IDLE_S
            if wait_s:
                stop.wait(wait_s)
        self._client.close()

    def step(self) -> float:
        """Send what there is to send, at most a page of it; return how many seconds to wait then."""
        state = self._subscription.state()
        if state.paused:
            return IDLE_S
        later = self._send_due()
        if later is not None:
            return self._wait_s(later)
        page = self._log.read(state.position, limit=BATCH_EVENTS)
        if page.through == state.position:
            self._log.wait(page.through, IDLE_S)
            return 0.0
        for stretch in self._stretches(page):
            later = self._send(stretch)
            if later is not None:
                return self._wait_s(later)
        return 0.0

    def _stretches(self, page: Page) -> Iterator["_Stretch"]:
        """Divide the page into what goes in one request each; together they reach to the page's end."""
        items: list[Item] = []
        size = others = 0
        for position, event in zip(page.positions, page.events, strict=True):
            if not is_emitted(event):
                others += 1
                continue
            item = self._item(position, event)
            if items and size + len(item.text) > BATCH_BYTES:
                yield _Stretch(items, others, position - 1)
                items, size, others = [], 0, 0
            items.append(item)
            size += 0 if item.problem else len(item.text)
        yield _Stretch(items, others, page.through)

    def _send(self, stretch: "_Stretch") -> Later | None:
        """Send a stretch and keep, in one step, what became of all of it; a `Later` where it has to wait."""
        dead = [item for item in stretch.items if item.problem]
        sendable = [item for item in stretch.items if not item.problem]
        refused = self._attempt(sendable) if sendable else []
        if isinstance(refused, Later):
            return refused
        self._keep(
            Progress(
                position=stretch.through,
                delivered=len(sendable) - len(refused),
                filtered=stretch.others,
                dead=[self._dead_letter(item) for item in (*dead, *refused)],
            )
        )
        return None

    def _attempt(self, items: list[Item]) -> list[Item] | Later:
        """Post the items; return those that no server takes, or a `Later`. Ids keep the rest from being doubled."""
        answer = self._client.post(to_body(items))
        match answer:
            case Taken():
                return []
            case Later():
                return answer
            case Refused() if len(items) == 1:
                return [replace(items[0], problem=answer.reason)]
        middle = len(items) // 2
        first = self._attempt(items[:middle])
        if isinstance(first, Later):
            return first
        second = self._attempt(items[middle:])
        return second if isinstance(second, Later) else [*first, *second]

    def _send_due(self) -> Later | None:
        """Send what somebody took back from the dead letters."""
        for waiting in self._subscription.due(self._clock(), BATCH_EVENTS):
            item = self._item(waiting.position, waiting.event)
            refused = [item] if item.problem else self._attempt([item])
            if isinstance(refused, Later):
                return refused
            dead = [self._dead_letter(each) for each in refused]
            settled = () if dead else (item.position,)
            self._keep(Progress(settled=settled, delivered=len(settled), dead=dead))
        return None

    def _keep(self, progress: Progress) -> None:
        now = self._clock()
        self._subscription.advance(progress, now=now)
        self._failures = 0
        if self._failing:
            self._failing = False
            self._subscription.report_failure(None, now=now)
        catalogue.DELIVERY_OUTCOMES.add(progress.delivered, SUBSCRIPTION, "delivered")
        if progress.dead:
            catalogue.DELIVERY_OUTCOMES.add(len(progress.dead), SUBSCRIPTION, "dead")
            logger.warning(
                "%d events cannot be forwarded and are dead letters now: %s",
                len(progress.dead),
                progress.dead[0].reason,
            )

    def _item(self, position: int, event: Event) -> Item:
        return to_item(position, event, event_bytes=self._event_bytes, depth=self._depth)

    def _dead_letter(self, item: Item) -> DeadLetter:
        return DeadLetter(
            position=item.position, event=item.event, attempts=1, died_at=self._clock(), reason=item.problem
        )

    def _wait_s(self, later: Later) -> float:
        self._losses.delayed(later.reason)
        catalogue.DELIVERY_OUTCOMES.add(1, SUBSCRIPTION, "retry")
        self._subscription.report_failure(later.reason, now=self._clock())
        self._failing = True
        wait_s: float = min(FIRST_WAIT_S * 2 ** min(self._failures, 10), LONGEST_WAIT_S)
        self._failures += 1
        return max(later.after_s, wait_s * (1 - JITTER + 2 * JITTER * self._random()))

    def _maintain(self) -> None:
        if time.monotonic() >= self._maintain_at:
            self._maintain_at = time.monotonic() + MAINTAIN_EVERY_S
            self._log.maintain(self._clock())
