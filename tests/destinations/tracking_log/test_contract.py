"""The tracking log keeps the contract of a destination."""

import errno
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from unittest import mock

import msgspec

from trackside.destinations.base import Destination
from trackside.destinations.tracking_log import TrackingLog, TrackingLogSettings
from trackside.testing.destination_contract import DestinationContract


def ids_in(path: Path) -> list[str]:
    """Return the ids of the events whose lines are in the file at `path`."""
    if not path.exists():
        return []
    text = path.read_bytes().decode()
    assert not text or text.endswith("\n")
    return [_id_of(line) for line in text.split("\n")[:-1]]


def _id_of(line: str) -> str:
    start = line.index('"messageId":"') + len('"messageId":"')
    return line[start : line.index('"', start)]


class TestTrackingLog(DestinationContract):
    """A file in a folder of its own."""

    exactly_once = True

    def make_destination(self, folder: Path) -> Destination:
        """Return a tracking log in `folder`."""
        return TrackingLog(folder / "tracking.log", TrackingLogSettings())

    def received(self, folder: Path) -> list[str]:
        """Return the ids in its file."""
        return ids_in(folder / "tracking.log")

    def broken(self, folder: Path) -> AbstractContextManager[None]:
        """Return a full disk."""

        @contextmanager
        def full() -> Iterator[None]:
            error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            with mock.patch("os.write", side_effect=error):
                yield

        return full()


def test_settings_are_found_by_kind() -> None:
    """A table of the configuration becomes settings, with the defaults of the documentation."""
    settings = msgspec.convert({"kind": "tracking_log", "path": "edx.log"}, TrackingLogSettings)
    assert (settings.path, settings.enabled, settings.events, settings.max_bytes) == (
        "edx.log",
        True,
        ("*",),
        0,
    )
