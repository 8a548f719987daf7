"""A webhook on a client without a network, and clocks that are turned by hand."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from trackside.destinations.base import Delivery, Outcome
from trackside.destinations.webhook import Moments, Webhook, WebhookSettings
from trackside.outbound.base import Outgoing
from trackside.testing.destination_contract import deliveries
from trackside.testing.outbound import FakeClient, Script

URL = "https://crm.example.org/events"
START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Clock:
    """Time that passes only when somebody sleeps, and then at once."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0
        self._sleepers: list[float] = []

    @property
    def moments(self) -> Moments:
        """The clocks of a webhook."""
        return Moments(
            time_s=lambda: START.timestamp() + self.elapsed_s,
            monotonic=lambda: self.elapsed_s,
            sleep=self.sleep,
            random=lambda: 0.5,
        )

    async def sleep(self, seconds: float) -> None:
        """Let the time pass up to that moment, after those who sleep less long, while others have a turn."""
        until = self.elapsed_s + seconds
        self._sleepers.append(until)
        try:
            await asyncio.sleep(0)
            while until > min(self._sleepers):  # noqa: ASYNC110  # nobody tells when the others are done
                await asyncio.sleep(0)
        finally:
            self._sleepers.remove(until)
        self.elapsed_s = max(self.elapsed_s, until)


class Fake:
    """A webhook whose requests go nowhere."""

    def __init__(self, script: Script = (), *, clock: Clock | None = None, **settings: Any) -> None:
        self.client = FakeClient(script)
        self.clock = clock or Clock()
        self.settings = WebhookSettings(**{"url": URL, **settings})
        self.webhook = Webhook(
            self.settings, lambda: self.client, user_agent="Trackside/1", moments=self.clock.moments
        )

    def send(self, batch: Sequence[Delivery]) -> list[Outcome]:
        """Return the outcomes of one `send`."""

        async def scenario() -> list[Outcome]:
            if self.webhook._client is None:
                await self.webhook.open(None)
            return list(await self.webhook.send(batch))

        return asyncio.run(scenario())

    def send_numbers(self, *numbers: int) -> list[Outcome]:
        """Return the outcomes of the events of these numbers."""
        return self.send(deliveries(*numbers))

    @property
    def ids(self) -> list[str]:
        """The ids that were sent, in order."""
        return [header(request, "webhook-id") for request in self.client.requests]


def header(request: Outgoing, name: str) -> str:
    """Return a header of a request."""
    return next(value for key, value in request.headers if key.lower() == name)


def for_user(user_id: str, *positions: int, attempt: int = 1) -> list[Delivery]:
    """Return deliveries of one user's events at these positions."""
    return [
        Delivery(each.position, replace(each.event, user_id=user_id), attempt)
        for each in deliveries(*positions)
    ]


def mixed(*groups: Iterable[Delivery]) -> list[Delivery]:
    """Return the deliveries of all groups in order of position."""
    return sorted((each for group in groups for each in group), key=lambda each: each.position)
