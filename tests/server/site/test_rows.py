"""The rows of the server's own project, for a delivery that does not wait for it."""

import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from trackside.config.settings import Config, LogSettings
from trackside.destinations.base import DestinationSettings
from trackside.destinations.webhook import WebhookSettings
from trackside.errors import StorageError
from trackside.log.memory import MemoryLog
from trackside.server.housekeeping import Housekeeping
from trackside.server.site import rows
from trackside.server.site.rows import SiteWebhooks

FOUND: Mapping[str, DestinationSettings] = {"crm": WebhookSettings(url="https://crm.example.org/")}


class Rows:
    """Stands for the webhooks of the database."""

    given_up: list[tuple[str, str]] = []

    def __init__(self, *, keeps_connection: bool) -> None:
        assert not keeps_connection

    def current(self) -> Mapping[str, DestinationSettings]:
        """Return them."""
        return FOUND

    def disabled(self, name: str, reason: str) -> None:
        """Keep what was asked."""
        self.given_up.append((name, reason))


@pytest.fixture
def starting(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """A project that stands once the event is set."""
    stands = threading.Event()
    monkeypatch.setattr(rows, "boot", lambda: stands.wait(10))
    monkeypatch.setattr("trackside.django.webhooks.declared.WebhookDeclarations", Rows)
    return stands


def stand(site: SiteWebhooks, stands: threading.Event) -> None:
    """Let the project stand, and wait until that is known."""
    site.start()
    stands.set()
    for thread in threading.enumerate():
        if thread.name == "trackside-site":
            thread.join(10)


def test_nothing_is_known_until_the_project_stands(starting: threading.Event) -> None:
    site = SiteWebhooks()
    for ask in (site.current, lambda: site.disabled("crm", "410")):
        with pytest.raises(StorageError, match="does not stand yet"):
            ask()
    stand(site, starting)
    assert site.current() is FOUND
    site.disabled("crm", "410")
    assert Rows.given_up[-1] == ("crm", "410")


def test_a_project_that_cannot_start_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, starting: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    attempts: list[int] = []

    def boot() -> None:
        attempts.append(1)
        if len(attempts) == 1:
            raise OSError("disk full")

    monkeypatch.setattr(rows, "boot", boot)
    monkeypatch.setattr(rows, "_AGAIN_S", 0.0)
    site = SiteWebhooks()
    stand(site, starting)
    assert site.current() is FOUND
    assert len(attempts) == 2
    assert "cannot be read; it is tried again" in caplog.text


def test_a_database_that_cannot_be_read_from_the_start_is_told(
    monkeypatch: pytest.MonkeyPatch, starting: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, with the reason: a password that was never right would otherwise be silence."""

    def refuse(self: Rows) -> Mapping[str, DestinationSettings]:
        raise StorageError("access denied")

    monkeypatch.setattr(Rows, "current", refuse)
    stand(SiteWebhooks(), starting)
    (told,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "access denied" in told


def test_no_event_is_removed_that_a_row_may_not_have_had(tmp_path: Path, starting: threading.Event) -> None:
    """While the rows are not known everybody's events are kept; then those of the file's and the rows' names."""
    declared = {"declared": WebhookSettings(url="https://declared.example.org/")}
    log = MemoryLog()
    in_memory = LogSettings(engine="memory")  # beside which no attempts are kept
    config = Config(data_dir=str(tmp_path), destinations=declared, log=in_memory)
    housekeeping = Housekeeping(config, log)
    assert housekeeping._holding() is None
    stand(housekeeping._rows, starting)
    assert housekeeping._holding() == frozenset({"declared", "crm"})
    log.close()
