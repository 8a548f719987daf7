"""Segment keeps the contract of a destination."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.destinations.segment.place import Place, make_segment
from trackside.destinations.base import Destination
from trackside.testing.destination_contract import DestinationContract
from trackside.testing.outbound import answer


class TestSegment(DestinationContract):
    """A place that takes batches."""

    @pytest.fixture(autouse=True)
    def _place(self) -> None:
        self.place = Place()

    def make_destination(self, folder: Path) -> Destination:  # nothing is kept in files
        """Return a destination that sends to the place."""
        return make_segment(self.place)

    def received(self, folder: Path) -> list[str]:
        """Return what the place took."""
        return self.place.taken

    def broken(self, folder: Path) -> AbstractContextManager[None]:
        """Return a context in which the place is overloaded."""

        @contextmanager
        def overloaded() -> Iterator[None]:
            self.place.plan = lambda ids: answer(503)
            yield
            self.place.plan = lambda ids: answer()

        return overloaded()


class TestCompressed(TestSegment):
    """The same with compressed requests."""

    def make_destination(self, folder: Path) -> Destination:
        """Return a destination that compresses."""
        return make_segment(self.place, gzip=True)
