"""Files keep the contract of a destination."""

import errno
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Literal
from unittest import mock

from tests.destinations.files.reading import ids_in
from trackside.destinations.base import Destination
from trackside.destinations.files import Files, FilesSettings
from trackside.testing.destination_contract import DestinationContract


class TestJsonLines(DestinationContract):
    """A folder of its own."""

    exactly_once = True
    format: Literal["json_lines", "parquet"] = "json_lines"
    compression: Literal["none", "gzip", "zstd"] = "none"

    def make_destination(self, folder: Path) -> Destination:
        """Return files below `folder`."""
        return Files(folder / "events", FilesSettings(format=self.format, compression=self.compression))

    def received(self, folder: Path) -> list[str]:
        """Return the ids that readers find."""
        return ids_in(folder / "events")

    def broken(self, folder: Path) -> AbstractContextManager[None]:
        """Return a full disk."""

        @contextmanager
        def full() -> Iterator[None]:
            error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            with mock.patch("os.write", side_effect=error):
                yield

        return full()


class TestGzip(TestJsonLines):
    """Compressed by gzip."""

    compression = "gzip"


class TestZstd(TestJsonLines):
    """Compressed by zstd, the default."""

    compression = "zstd"


class TestParquet(TestJsonLines):
    """Parquet."""

    format = "parquet"
    compression = "zstd"
