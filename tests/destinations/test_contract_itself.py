"""The contract's own tests: a simple destination passes them, faulty ones do not."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from trackside.destinations.base import DELIVERED, Delivery, Destination, Outcome
from trackside.testing.destination_contract import DestinationContract


class Notebook:
    """Keeps ids in a file, one a line, without any care for crashes."""

    ordered = True

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ids"

    async def open(self, checkpoint: str | None) -> None:
        """Nothing to make ready."""

    async def send(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        """Write the ids down."""
        await asyncio.to_thread(self._write, deliveries)
        return [DELIVERED for _ in deliveries]

    def _write(self, deliveries: Sequence[Delivery]) -> None:
        with self._path.open("a") as file:
            file.writelines(f"{delivery.event.id}\n" for delivery in deliveries)

    def checkpoint(self) -> str | None:
        """Nothing to note."""
        return None

    async def close(self) -> None:
        """Nothing to release."""


class TestNotebook(DestinationContract):
    """The simplest destination there can be keeps the contract."""

    def make_destination(self, folder: Path) -> Destination:
        """Return a notebook."""
        return Notebook(folder)

    def received(self, folder: Path) -> list[str]:
        """Return the ids in it."""
        path = folder / "ids"
        return path.read_text().split() if path.exists() else []


def test_a_destination_that_repeats_is_not_exactly_once(tmp_path: Path) -> None:
    """The contract notices a promise that is not kept."""

    class TestOverstated(TestNotebook):
        exactly_once = True

    with pytest.raises(AssertionError):
        TestOverstated().test_after_a_crash_what_was_not_noted_comes_again(tmp_path)


def test_a_destination_that_loses_is_noticed(tmp_path: Path) -> None:
    """The contract notices an event that was said to be delivered and is not there."""

    class Forgetful(Notebook):
        def _write(self, deliveries: Sequence[Delivery]) -> None:
            super()._write(deliveries[1:])

    class TestForgetful(TestNotebook):
        def make_destination(self, folder: Path) -> Destination:
            return Forgetful(folder)

    with pytest.raises(AssertionError):
        TestForgetful().test_each_event_has_an_outcome_and_arrives(tmp_path)
