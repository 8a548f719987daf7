"""A data directory as a first start leaves it, and the command line run on it."""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from msgspec import Raw

from trackside import hub
from trackside.cli.group import cli
from trackside.config import first_start
from trackside.event import Batch, Event, Reject
from trackside.log.base import Committed, Log, append_and_wait

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def event(number: int, name: str = "Item Purchased", **fields: Any) -> Event:
    return Event(
        id=f"id-{number}",
        name=name,
        type="track",
        source="web",
        timestamp=NOW + timedelta(seconds=number),
        received_at=NOW + timedelta(seconds=number),
        data=fields.pop("data", Raw(b'{"number":%d}' % number)),
        context=Raw(b'{"ip":"203.0.113.7"}'),
        user_id=fields.pop("user_id", f"user-{number}"),
        **fields,
    )


class Place:
    """A data directory with a log, and `trackside` run on it."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        first_start(data_dir, with_config=True)
        self.loaded = hub.load_config(None, {"data_dir": str(data_dir)}, {})
        self.log: Log = hub.open_log(self.loaded.config)

    def run(self, *arguments: str, stdin: str | bytes | None = None) -> Result:
        """Run a verb on this data directory."""
        line = [*arguments, "--data-dir", str(self.data_dir)]
        return CliRunner().invoke(cli, line, input=stdin, catch_exceptions=False)

    def json(self, *arguments: str) -> Any:
        """Return what a verb prints with --json."""
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def lines(self, *arguments: str) -> list[Any]:
        """Return the lines of JSON a verb prints with --json."""
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]

    def append(self, events: Sequence[Event], rejects: Sequence[Reject] = ()) -> None:
        """Put events into the log."""
        receipt = append_and_wait(
            self.log, Batch(events=list(events), rejects=list(rejects), size_bytes=1_000)
        )
        assert isinstance(receipt, Committed)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    for name in [name for name in os.environ if name.startswith("TRACKSIDE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    made = Place(tmp_path / "data")
    yield made
    made.log.close()


@pytest.fixture
def served(place: Place) -> Iterator[None]:
    """Hold the delivery lock, as a running server does."""
    with (place.data_dir / "delivery.lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
