"""The clock of the delivery worker, in one place so that a test can turn it."""

import asyncio
import time
from datetime import UTC, datetime


class Timing:
    """The real time."""

    def now(self) -> datetime:
        """Return the wall clock's time, aware, UTC: what is written down."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start that no clock change touches: what waits are measured by."""
        return time.monotonic()

    async def wait(self, event: asyncio.Event, timeout_s: float) -> None:
        """Return as soon as `event` is set, or after the timeout."""
        if event.is_set() or timeout_s <= 0:
            await asyncio.sleep(0)  # always give others a turn
            return
        try:
            async with asyncio.timeout(timeout_s):
                await event.wait()
        except TimeoutError:
            pass
