"""The page of one destination, over a log in memory: what waits, what died, and what is done about it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from msgspec.structs import replace

from tests.console.test_pages import NOW, event
from trackside.config.settings import LogSettings
from trackside.console import live
from trackside.event import Batch
from trackside.log.base import append_and_wait
from trackside.log.memory import MemoryLog
from trackside.log.subscription import DeadLetter, Progress, Subscription, Waiting
from trackside.testing.attempt_contract import ending, sending
from trackside.testing.attempts import MemoryAttempts

pytestmark = pytest.mark.django_db


@pytest.fixture
def crm(tmp_path: Path) -> Iterator[Subscription]:
    """Return the place of a destination of which one event waits, one died and one was delivered."""
    log = MemoryLog(LogSettings(engine="memory"))
    append_and_wait(log, Batch(events=[event(n) for n in range(4)]))
    subscription = log.subscription("crm")
    waits = Waiting(
        position=2, event=event(1), attempt=3, due_at=NOW + timedelta(hours=1), reason="answered <503>"
    )
    dead = DeadLetter(position=3, event=event(2), attempts=9, died_at=NOW, reason="answered 413")
    subscription.advance(Progress(position=3, delivered=1, waiting=[waits], dead=[dead]), now=NOW)
    kept = MemoryAttempts()
    kept.keep("crm", sending(1, event_name="First <b>"), ending(204))
    kept.keep("crm", sending(2, number=3), ending(503, body=b"<html>busy</html>", reason="answered <503>"))
    kept.keep("crm", sending(3, number=9), ending(None, reason="took too long"))
    kept.keep("other", sending(1, event_name="Not mine"), ending(204))
    live.show(
        live.Live(
            log=log,
            destinations=("crm",),
            login_file=tmp_path / "login",
            curl="",
            attempts=lambda: kept,
        )
    )
    yield subscription
    log.close()


@pytest.fixture
def operator(client: Client) -> Client:
    """Return a browser whose user may do everything."""
    client.force_login(get_user_model().objects.create_superuser("operator", email=None, password=None))
    return client


@pytest.fixture
def reader(client: Client) -> Client:
    """Return a browser whose user may only look."""
    client.force_login(get_user_model().objects.create_user("reader", is_staff=True))
    return client


@pytest.mark.usefixtures("crm")
def test_attempts_are_listed_and_filtered(operator: Client) -> None:
    """Newest first, with the answer and the time of the next attempt; those of others are not among them."""
    page = operator.get("/destinations/crm/").content.decode()
    attempts = page[page.index('id="attempts"') :]
    assert attempts.index("timeout") < attempts.index("answered &lt;503&gt;")
    assert "First &lt;b&gt;" in attempts
    assert "Not mine" not in page
    assert "2026-11-20 13:00:00" in attempts  # when that of position 2 is tried again
    failed = operator.get("/destinations/crm/?attempts=failed").content.decode()
    assert "First &lt;b&gt;" not in failed
    assert "answered &lt;503&gt;" in failed
    ok = operator.get("/destinations/crm/?attempts=2xx").content.decode()
    assert "First &lt;b&gt;" in ok
    assert "took too long" not in ok
    assert "None" in operator.get("/destinations/crm/?before=1").content.decode()
    assert operator.get("/destinations/crm/?attempts=x&before=x").status_code == 200


@pytest.mark.usefixtures("crm")
def test_one_attempt_with_all_that_was_sent_and_answered(operator: Client) -> None:
    """As text, with a button that sends the event again; what is not kept is 404."""
    page = operator.get("/attempts/2/").content.decode()
    assert "webhook-id: id-2" in page
    assert "&quot;z&quot;:1" in page
    assert "&lt;html&gt;busy&lt;/html&gt;" in page
    assert "tried again at 2026-11-20 13:00:00" in page
    assert "Send this event again" in page
    assert operator.get("/attempts/99/").status_code == 404


@pytest.mark.usefixtures("crm")
def test_without_attempts_the_page_shows_the_rest(operator: Client) -> None:
    """Where none are kept there is no list of them."""
    live.show(replace(live.current(), attempts=lambda: None))
    page = operator.get("/destinations/crm/").content.decode()
    assert 'id="attempts"' not in page
    assert "answered 413" in page
    assert operator.get("/attempts/1/").status_code == 404


def do(client: Client, action: str, **fields: object) -> tuple[int, str]:
    """Press a button; return the status and the page."""
    response = client.post("/destinations/crm/act", {"action": action, **fields}, follow=True)
    return response.status_code, response.content.decode()


@pytest.mark.usefixtures("crm")
def test_shows_what_waits_and_what_died(operator: Client) -> None:
    """With the time of the next attempt, and the reasons as text."""
    page = operator.get("/destinations/crm/").content.decode()
    assert "2026-11-20 13:00:00" in page
    assert "answered &lt;503&gt;" in page
    assert "answered 413" in page
    assert 'href="/destinations/crm/"' in operator.get("/").content.decode()


def test_dead_letters_are_tried_again_or_given_up(crm: Subscription, operator: Client) -> None:
    """By position or all; the page says what was done."""
    status, page = do(operator, "retry", position=3)
    assert (status, crm.state().dead, crm.state().retrying) == (200, 0, 2)
    assert "1 event is tried again" in page
    dead = DeadLetter(position=3, event=event(2), attempts=9, died_at=NOW, reason="answered 413")
    crm.advance(Progress(dead=[dead]), now=NOW)
    assert "1 event is given up" in do(operator, "discard", all=1)[1]
    assert crm.state().dead == 0


def test_pause_and_resume(crm: Subscription, operator: Client) -> None:
    """The button that is shown is the other one then."""
    assert "Resume" in do(operator, "pause")[1]
    assert crm.state().paused
    assert "Pause" in do(operator, "resume")[1]
    assert not crm.state().paused


def test_an_event_is_sent_again(crm: Subscription, operator: Client) -> None:
    """A replay of that position is asked for."""
    assert "sent again" in do(operator, "resend", position=1)[1]
    assert [(each.next, each.until) for each in crm.replays()] == [(1, 1)]


@pytest.mark.parametrize(
    ("action", "fields", "status"),
    [
        ("retry", {}, 400),
        ("retry", {"position": "x"}, 400),
        ("retry", {"position": "9" * 30}, 400),
        ("explode", {}, 404),
        ("", {}, 404),
    ],
)
def test_what_makes_no_sense_is_refused(
    crm: Subscription, operator: Client, action: str, fields: dict[str, str], status: int
) -> None:
    """Nothing is done then."""
    before = crm.state()
    assert do(operator, action, **fields)[0] == status
    assert crm.state() == before


def test_who_may_only_look_sees_no_buttons(crm: Subscription, reader: Client) -> None:
    """And is refused where it is tried all the same."""
    page = reader.get("/destinations/crm/").content.decode()
    assert "answered 413" in page
    assert "Try again" not in page
    assert do(reader, "pause")[0] == 403
    assert not crm.state().paused


@pytest.mark.usefixtures("crm")
def test_unknown_destinations_and_strangers(client: Client, operator: Client) -> None:
    """404 for a name that never was; who is not logged in is led to the login; a GET does nothing."""
    assert operator.get("/destinations/nobody/").status_code == 404
    assert operator.post("/destinations/nobody/act", {"action": "pause"}).status_code == 404
    assert operator.get("/destinations/crm/act").status_code == 405
    client.logout()
    assert client.get("/destinations/crm/").status_code == 302
