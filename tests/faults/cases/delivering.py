"""What delivers in a server, without the server: a log on disk, the engine, and the attempts that are kept."""

import asyncio
import socket
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from tests.attempts.tools import settle
from tests.e2e.running import eventually
from trackside import hub
from trackside.attempts.base import Attempt, Query
from trackside.attempts.sqlite import SQLiteAttempts
from trackside.config.settings import Config
from trackside.delivery import DeliveryEngine
from trackside.delivery.declarations import Declarations
from trackside.delivery.timing import Timing
from trackside.destinations.webhook import Moments, Webhook, WebhookSettings
from trackside.event import Event
from trackside.log.subscription import SubscriptionState
from trackside.testing.log_values import append, make_event

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TIMEOUT_S = 0.6
RETRY_S = 0.2
BUSY_S = 0.35
"""So much later than promised a thing may be on a machine that has other work."""


def endpoint(url: str, **settings: Any) -> WebhookSettings:
    """Return a webhook that may reach this machine, and has little patience."""
    given: dict[str, Any] = {
        "secret": SECRET,
        "allow_private_networks": True,
        "timeout_s": TIMEOUT_S,
        "concurrency": 1,
        "retry_schedule_s": (RETRY_S,) * 5,
    }
    return WebhookSettings(url=url, **{**given, **settings})


class Delivering:
    """Delivers within a `with` what `send` puts into the log; a second one in the same folder goes on from there."""

    def __init__(
        self, folder: Path, rows: Declarations | None = None, /, **destinations: WebhookSettings
    ) -> None:
        config = Config(data_dir=str(folder), destinations=dict(destinations))
        self.log = hub.open_log(config)
        self.attempts = hub.open_attempts(config)
        self.engine = hub.build_delivery(config, self.log, rows, attempts=self.attempts)

    def __enter__(self) -> "Delivering":
        assert self.attempts is not None
        self.attempts.start()
        self.engine.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.attempts is not None
        self.engine.stop(5.0)
        self.attempts.close()
        self.log.close()

    def send(self, *numbers: int, **fields: Any) -> None:
        """Put the events of these numbers into the log."""
        self.put(*(make_event(number, **fields) for number in numbers))

    def put(self, *events: Event) -> None:
        """Put these events into the log."""
        append(self.log, *events)

    def state(self, name: str = "crm") -> SubscriptionState:
        """Return the state of a destination; an empty one before it has begun."""
        states = self.log.subscription_states()
        return states.get(name) or SubscriptionState(name=name, start=0, position=0)

    def tried(self, number: int | None = None, name: str = "crm") -> list[Attempt]:
        """Return what is kept of the attempts of an event, or of all events, oldest first."""
        assert isinstance(self.attempts, SQLiteAttempts)
        settle(self.attempts)
        event_id = None if number is None else f"event-{number}"
        page = self.attempts.page(Query(destination=name, event_id=event_id), limit=10_000)
        return [each.attempt for each in reversed(page.attempts)]

    def has_tried(self, count: int, number: int | None = None, name: str = "crm") -> list[Attempt]:
        """Return so many attempts as soon as they are kept."""
        assert eventually(lambda: len(self.tried(number, name)) >= count), self.state(name)
        return self.tried(number, name)

    def until(self, condition: Callable[[SubscriptionState], bool], name: str = "crm") -> SubscriptionState:
        """Return the state of a destination as soon as it is like this."""
        assert eventually(lambda: condition(self.state(name))), self.state(name)
        return self.state(name)

    def until_delivered(self, count: int, name: str = "crm") -> SubscriptionState:
        """Return the state of a destination as soon as it has so many events."""
        return self.until(lambda state: state.delivered >= count, name)


Addresses = Sequence[str] | Exception


class Names:
    """What the system's resolver says to names of `.test`; each is asked about in a thread of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, Addresses | Callable[[], Addresses]] = {}
        self._system = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._look_up)

    def _look_up(self, host: Any, port: Any, *more: Any, **named: Any) -> Any:
        if not isinstance(host, str) or not host.endswith(".test"):
            return self._system(host, port, *more, **named)
        self.asked.append(host)
        said = self.answers[host]
        found = said() if callable(said) else said
        if isinstance(found, Exception):
            raise found
        six, four = socket.AF_INET6, socket.AF_INET
        return [
            (six if ":" in address else four, socket.SOCK_STREAM, 6, "", (address, 0)) for address in found
        ]


class FastTiming(Timing):
    """Time that runs `speed` times as fast as the world's, and may be turned; everything waits by it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, speed: float = 1.0) -> None:
        self._running = (0.0, time.monotonic(), speed)
        """How much had passed at which moment of the world, and how fast it goes since: read and set as one."""
        self.step: Callable[[], float] = lambda: 0.0
        """By how many seconds the wall clock is wrong."""
        moments = Moments(time_s=lambda: self.now().timestamp(), monotonic=self.monotonic, sleep=self._sleep)
        monkeypatch.setattr("trackside.hub.destinations.Webhook", partial(Webhook, moments=moments))
        monkeypatch.setattr("trackside.hub.stages.DeliveryEngine", partial(DeliveryEngine, timing=self))

    def run_at(self, speed: float) -> None:
        """Run so fast from now on."""
        self._running = (self.monotonic(), time.monotonic(), speed)

    def now(self) -> datetime:
        """Return the wall clock's time."""
        return START + timedelta(seconds=self.monotonic() + self.step())

    def monotonic(self) -> float:
        """Return the seconds that have passed."""
        elapsed_s, since_s, speed = self._running
        return elapsed_s + (time.monotonic() - since_s) * speed

    async def wait(self, event: asyncio.Event, timeout_s: float) -> None:
        """Return as soon as `event` is set, or when the time has passed."""
        await super().wait(event, timeout_s / self._running[2])

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._running[2])


def resident_bytes() -> int:
    """Return how much memory this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4_096
