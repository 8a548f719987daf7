# these are tests
"""The tests every destination passes.

A new one subclasses `DestinationContract` and says how to look at the place it sends to.

class TestMine(DestinationContract):
    def make_destination(self, folder): return Mine(…)
    def received(self, folder): return [ids, in the order they arrived]
"""

import asyncio
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import Raw

from trackside.destinations.base import Delivered, Delivery, Destination, Outcome, Refused, Retry, Unsent
from trackside.event import Event


def make_event(number: int, *, data: bytes = b"{}", context: bytes = b"{}") -> Event:
    """Return an event with the id `event-NUMBER`; the same number gives the same event."""
    moment = datetime(2026, 11, 20, 12, 0, number % 60, number % 1_000, tzinfo=UTC)
    return Event(
        id=f"event-{number}",
        name="Lesson Opened",
        type="track",
        source="web",
        timestamp=moment,
        received_at=moment,
        data=Raw(data),
        context=Raw(context),
        user_id=str(number),
    )


def deliveries(*numbers: int) -> list[Delivery]:
    """Return deliveries of the events of these numbers, at these positions."""
    return [Delivery(number, make_event(number)) for number in numbers]


ODD_JSON = (
    b'{"half":"\\ud800","\\udfff":1}',
    b'{"huge":' + b"9" * 5_000 + b',"float":1e999}',
    b'{"deep":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    '{"unicode":"\u2028 \x7f 𝄞","":{}}'.encode(),
    b'{"a":1,"a":2,"page":7,"userAgent":[],"library":"x","traits":0}',
)
"""JSON that is valid and that many decoders refuse."""


class DestinationContract(ABC):
    """What the delivery worker relies on."""

    exactly_once = False
    """True where the destination itself sees to it that an event sent again after a crash arrives once."""

    @abstractmethod
    def make_destination(self, folder: Path) -> Destination:
        """Return a new destination, not opened; the second of the same folder sends to the same place."""

    @abstractmethod
    def received(self, folder: Path) -> list[str]:
        """Return the ids of the events that arrived, in order, repeats included."""

    def broken(self, folder: Path) -> AbstractContextManager[None] | None:  # for those who can
        """Return a context in which the place takes nothing; None where a test cannot bring that about."""
        return None

    async def _send(self, destination: Destination, *numbers: int) -> list[Outcome]:
        return list(await destination.send(deliveries(*numbers)))

    def test_each_event_has_an_outcome_and_arrives(self, tmp_path: Path) -> None:
        """What is delivered is there, once, in order."""

        async def scenario() -> None:
            destination = self.make_destination(tmp_path)
            await destination.open(None)
            assert await destination.send([]) in ([], ())
            outcomes = await self._send(destination, *range(1, 151))
            await destination.close()
            assert outcomes == [Delivered()] * 150

        asyncio.run(scenario())
        assert self.received(tmp_path) == [f"event-{n}" for n in range(1, 151)]

    @pytest.mark.parametrize("odd", ODD_JSON, ids=["surrogates", "numbers", "nesting", "unicode", "types"])
    def test_odd_events_do_not_stop_their_neighbours(self, tmp_path: Path, odd: bytes) -> None:
        """An event nobody foresaw is delivered or refused, never an exception, and costs no other."""

        async def scenario() -> Outcome:
            destination = self.make_destination(tmp_path)
            await destination.open(None)
            middle = Delivery(2, make_event(2, data=odd, context=odd))
            first, second, third = await destination.send([*deliveries(1), middle, *deliveries(3)])
            await destination.close()
            assert (first, third) == (Delivered(), Delivered())
            return second

        outcome = asyncio.run(scenario())
        assert isinstance(outcome, Delivered | Refused)
        expected = (
            ["event-1", "event-2", "event-3"] if isinstance(outcome, Delivered) else ["event-1", "event-3"]
        )
        assert self.received(tmp_path) == expected

    def test_goes_on_from_its_note(self, tmp_path: Path) -> None:
        """Closed and opened with its own note, it loses nothing and sends nothing by itself."""

        async def scenario() -> None:
            first = self.make_destination(tmp_path)
            await first.open(None)
            await self._send(first, 1, 2)
            note = first.checkpoint()
            await first.close()
            second = self.make_destination(tmp_path)
            await second.open(note)
            await self._send(second, 3)
            await second.close()

        asyncio.run(scenario())
        assert self.received(tmp_path) == ["event-1", "event-2", "event-3"]

    def test_after_a_crash_what_was_not_noted_comes_again(self, tmp_path: Path) -> None:
        """Sent again after a crash, an event is there; once, where the destination promises that."""

        async def scenario() -> None:
            first = self.make_destination(tmp_path)
            await first.open(None)
            await self._send(first, 1)
            note = first.checkpoint()
            await self._send(first, 2, 3)
            await first.close()  # the note of this is lost with the process
            second = self.make_destination(tmp_path)
            await second.open(note)
            await self._send(second, 2, 3, 4)
            await second.close()

        asyncio.run(scenario())
        arrived = self.received(tmp_path)
        assert set(arrived) == {"event-1", "event-2", "event-3", "event-4"}
        if self.exactly_once:
            assert arrived == ["event-1", "event-2", "event-3", "event-4"]

    def test_a_broken_place_means_retry(self, tmp_path: Path) -> None:
        """While the place takes nothing each event is to be tried again, and arrives afterwards."""
        broken = self.broken(tmp_path)
        if broken is None:
            pytest.skip("this place cannot be broken by a test")

        async def scenario() -> None:
            destination = self.make_destination(tmp_path)
            await destination.open(None)
            await self._send(destination, 1)
            with broken:
                outcomes = await self._send(destination, 2, 3)
            assert all(isinstance(outcome, Retry | Unsent) and outcome.reason for outcome in outcomes), (
                outcomes
            )
            assert await self._send(destination, 2, 3) == [Delivered()] * 2
            await destination.close()

        asyncio.run(scenario())
        assert self.received(tmp_path) == ["event-1", "event-2", "event-3"]

    def test_closing_is_always_possible(self, tmp_path: Path) -> None:
        """Closing works without opening, and twice."""

        async def scenario() -> None:
            destination = self.make_destination(tmp_path)
            await destination.close()
            await destination.open(None)
            await destination.close()
            await destination.close()

        asyncio.run(scenario())
        assert self.received(tmp_path) == []
