"""The console's pages, over a log in memory."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from msgspec import Raw

from trackside.config.settings import LogSettings
from trackside.console import live, login_link
from trackside.event import Batch, Event, Reject
from trackside.log.base import append_and_wait
from trackside.log.memory import MemoryLog
from trackside.log.subscription import Progress

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def event(number: int) -> Event:
    return Event(
        id=f"m-{number}",
        name=f"Seen <{number}>",
        type="track",
        source="web",
        timestamp=NOW,
        received_at=NOW,
        data=Raw(b'{"n":%d}' % number),
        context=Raw(b"{}"),
        user_id="7",
    )


@pytest.fixture
def shown(tmp_path: Path) -> Iterator[live.Live]:
    """Return what the pages show: a log with three events, a reject and a destination that fails."""
    log = MemoryLog(LogSettings(engine="memory"))
    reject = Reject(
        source="web", received_at=NOW, reason="missing_identity", detail="send userId", body=b"{<b>}"
    )
    append_and_wait(log, Batch(events=[event(n) for n in range(3)], rejects=[reject]))
    subscription = log.subscription("tracking_log")
    subscription.advance(Progress(position=2, delivered=2), now=NOW)
    subscription.report_failure("the disk is full", now=NOW)
    current = live.Live(
        log=log, destinations=("tracking_log", "new"), login_file=tmp_path / "login", curl="curl it"
    )
    live.show(current)
    yield current
    log.close()


@pytest.fixture
def admin() -> None:
    """Make the administrator's account as the server does."""
    get_user_model().objects.create_superuser("admin", email=None, password=None)


@pytest.mark.usefixtures("admin")
def test_the_login_link_leads_to_the_overview(shown: live.Live, client: Client) -> None:
    """One click shows events, rejects with their reason and remedy, and the destination's trouble."""
    token = login_link.issue(shown.login_file)
    response = client.get(f"/login/{token}", follow=True)
    page = response.content.decode()
    assert response.redirect_chain == [("/", 302)]
    assert "Seen &lt;2&gt;" in page
    assert page.index("Seen &lt;2&gt;") < page.index("Seen &lt;0&gt;")
    assert "missing_identity" in page
    assert "{&lt;b&gt;}" in page
    assert "the disk is full" in page
    assert "failing" in page


@pytest.mark.usefixtures("admin")
def test_a_used_link_says_so(shown: live.Live, client: Client) -> None:
    """It answers 403 and logs nobody in."""
    token = login_link.issue(shown.login_file)
    client.get(f"/login/{token}")
    stranger = Client()
    response = stranger.get(f"/login/{token}")
    assert response.status_code == 403
    assert b"does not work any more" in response.content
    assert stranger.get("/").status_code == 302


@pytest.mark.usefixtures("admin")
def test_looking_at_a_link_leaves_it_unused(shown: live.Live, client: Client) -> None:
    """A HEAD logs nobody in."""
    token = login_link.issue(shown.login_file)
    assert client.head(f"/login/{token}").status_code == 405
    assert client.get(f"/login/{token}")["Location"] == "/"


@pytest.mark.usefixtures("shown")
def test_the_overview_is_for_staff(client: Client) -> None:
    """Anybody else is asked to log in; an account that is no staff gets nothing either."""
    response = client.get("/")
    assert response["Location"] == "/admin/login/?next=/"
    client.force_login(get_user_model().objects.create_user("learner"))
    assert client.get("/").status_code == 302


def test_an_empty_log_shows_how_to_begin(client: Client, tmp_path: Path) -> None:
    """The first thing a new user sees is the command that sends an event."""
    log = MemoryLog(LogSettings(engine="memory"))
    live.show(live.Live(log=log, destinations=(), login_file=tmp_path / "login", curl="curl -u key: 'x'"))
    client.force_login(get_user_model().objects.create_superuser("admin", email=None, password=None))
    page = client.get("/").content.decode()
    log.close()
    assert "curl -u key: &#x27;x&#x27;" in page
    assert "No destination is configured" in page
