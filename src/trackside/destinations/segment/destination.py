"""Segment as a destination: batches in the log's order, one request at a time."""

import asyncio
import time
import zlib
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import assert_never

from trackside.destinations.base import (
    DELIVERED,
    Delivered,
    Delivery,
    Outcome,
    Refused,
    Retry,
    Unsent,
)
from trackside.destinations.segment.answer import judge
from trackside.destinations.segment.batch import Batch, cut, to_body
from trackside.destinations.segment.settings import SegmentSettings
from trackside.errors import DestinationError
from trackside.outbound.base import Answer, Client, Failed, Outgoing

SEND_S = 1.0
"""After so long no further request is begun: what was sent is written down before more is, and a stop is near."""
COMPRESSED_FROM_BYTES = 1_024
_GZIP = 31


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Segment:
    """Posts events to `/v1/batch` of Segment's API; their ids are the message ids, so that repeats count once."""

    ordered = True

    def __init__(
        self,
        settings: SegmentSettings,
        make_client: Callable[[], Client],
        *,
        now: Callable[[], datetime] = _utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`make_client` is called when the destination opens, in its event loop."""
        self._settings = settings
        self._make_client = make_client
        self._now = now
        self._monotonic = monotonic
        self._client: Client | None = None
        self._url = settings.host.rstrip("/") + "/v1/batch"
        credentials = b64encode(f"{settings.write_key}:".encode()).decode()
        self._headers = [("Content-Type", "application/json"), ("Authorization", f"Basic {credentials}")]

    async def open(self, checkpoint: str | None) -> None:  # noqa: ARG002  # Segment cannot say how far it is
        """Make the client. Nothing is asked of Segment: it has no call that only asks."""
        self._client = self._make_client()

    async def send(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        """Send the events in order, up to the first that must wait."""
        outcomes: list[Outcome] = [DELIVERED] * len(deliveries)
        until = self._monotonic() + SEND_S
        for batch in cut(deliveries, self._settings, outcomes):
            goes_on = await self._deliver(batch, outcomes)
            if not goes_on:
                break
            if self._monotonic() >= until:
                _leave(outcomes, batch.numbers[-1] + 1, Unsent())
                break
        return outcomes

    def checkpoint(self) -> str | None:
        """Return None: what Segment has, it says with each request."""
        return None

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _deliver(self, batch: Batch, outcomes: list[Outcome]) -> bool:
        """Send a batch, in parts where it is not taken whole; return False where all behind it must wait."""
        verdict = judge(await self._post(batch), self._now())
        match verdict:
            case Delivered():
                return True
            case Refused():
                if len(batch.calls) == 1:
                    outcomes[batch.numbers[0]] = verdict
                    return True
                first, second = batch.halves()
                return await self._deliver(first, outcomes) and await self._deliver(second, outcomes)
            case Retry():
                _leave(outcomes, batch.numbers[-1] + 1, Unsent())
                for number in range(batch.numbers[0], batch.numbers[-1] + 1):
                    outcomes[number] = verdict
                return False
            case Unsent():
                _leave(outcomes, batch.numbers[0], verdict)
                return False
            case _:
                assert_never(verdict)

    async def _post(self, batch: Batch) -> Answer | Failed:
        if self._client is None:
            raise DestinationError("the destination is not open")
        headers = list(self._headers)
        if batch.retries > 0:
            headers.append(("X-Retry-Count", str(batch.retries)))
        body = to_body(batch, self._settings.write_key, self._now())
        if self._settings.gzip and len(body) >= COMPRESSED_FROM_BYTES:
            headers.append(("Content-Encoding", "gzip"))
            body = await asyncio.to_thread(zlib.compress, body, 1, _GZIP)
        request = Outgoing(url=self._url, body=body, headers=headers, timeout_s=self._settings.timeout_s)
        return await self._client.send(request)


def _leave(outcomes: list[Outcome], first: int, outcome: Outcome) -> None:
    """Give everything from `first` on the same outcome."""
    outcomes[first:] = [outcome] * (len(outcomes) - first)
