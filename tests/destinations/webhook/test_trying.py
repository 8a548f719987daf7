"""A test event: what is sent is what delivery would send, and every way it can end is one sentence."""

import asyncio
import json
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

import pytest
from msgspec import Raw
from msgspec.structs import replace

from trackside.destinations.base import Delivery
from trackside.destinations.webhook.bodies import Bodies
from trackside.destinations.webhook.requests import Requests
from trackside.destinations.webhook.settings import WebhookSettings
from trackside.destinations.webhook.trying import EXCERPT_BYTES, Trial, try_out, try_out_now
from trackside.event import Event
from trackside.outbound.base import Failed, Fault
from trackside.outbound.signing import new_secret, verify
from trackside.testing.outbound import FakeClient, Reply, answer

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SETTINGS = WebhookSettings(url="https://crm.example.org/in", secret=new_secret())


def tried(client: FakeClient, settings: WebhookSettings = SETTINGS) -> Trial:
    return asyncio.run(
        try_out(settings, lambda: client, asked_by="root", user_agent="Trackside/1", now=lambda: NOW)
    )


def test_it_is_the_request_that_delivery_makes_of_this_event() -> None:
    client = FakeClient()
    assert tried(client).taken
    sent = client.requests[0]
    told = json.loads(sent.body)
    event = Event(
        id=told["id"],
        name="trackside.test",
        type="track",
        source="trackside",
        timestamp=NOW,
        received_at=NOW,
        data=Raw(b'{"message":"This is a test of a webhook.","asked_by":"root"}'),
        context=Raw(b"{}"),
    )
    body = Bodies(SETTINGS).make(event)
    assert body is not None
    made = Requests(SETTINGS, user_agent="Trackside/1").make(
        Delivery(0, event), body, at_s=int(NOW.timestamp())
    )
    assert sent == made
    assert verify(sent.body, dict(sent.headers), secrets=SETTINGS.secrets, now_s=int(NOW.timestamp()))
    assert client.closed


@pytest.mark.parametrize("form", ["json", "cloudevents", "form", "openedx", "openedx_form"])
def test_every_format_has_a_test_event_whatever_is_asked_for(form: str) -> None:
    client = FakeClient()
    settings = replace(
        SETTINGS, format=form, events=("page",), where={"context.course_id": "x"}, fields=("data.asked_by",)
    )
    assert tried(client, settings).taken
    assert b"trackside.test" in client.requests[0].body


@pytest.mark.parametrize(
    ("reply", "status", "sentence"),
    [
        (answer(204), 204, "delivered"),
        (answer(500, b"oops"), 500, "answered 500 Internal Server Error"),
        (answer(410), 410, "answered 410 Gone: it wants no more events"),
        (answer(302), 302, "answered 302 Found: redirects are not followed, set url to where it leads"),
        (answer(413), 413, f"answered 413 {HTTPStatus(413).phrase}"),
        (Failed(fault=Fault.TIMEOUT, detail="no answer within 15 s"), None, "timeout: no answer within 15 s"),
        (Failed(fault=Fault.LOCAL, detail="no memory"), None, "local: no memory"),
        (
            Failed(fault=Fault.REFUSED_ADDRESS, detail="it is not public"),
            None,
            "url must not be asked: it is not public",
        ),
    ],
)
def test_what_came_is_told(reply: Reply, status: int | None, sentence: str) -> None:
    trial = tried(FakeClient([reply]))
    assert (trial.status, trial.sentence) == (status, sentence)
    assert trial.taken is (sentence == "delivered")


def test_no_more_of_an_answer_is_shown_than_its_first_kilobyte() -> None:
    trial = tried(FakeClient([answer(200, b"\xff" + b"x" * 5_000)]))
    assert trial.excerpt == "\N{REPLACEMENT CHARACTER}" + "x" * (EXCERPT_BYTES - 1)


def test_a_forbidden_url_is_not_asked() -> None:
    client = FakeClient()
    trial = tried(client, replace(SETTINGS, url="http://127.0.0.1:8000/"))
    assert not trial.taken
    assert trial.sentence.startswith("url must not be asked: its address is not to be reached")
    assert client.requests == []


def test_without_an_event_loop_it_is_asked_through_the_real_client(tmp_path: Path) -> None:
    """A port where nobody listens: the sentence says so."""
    settings = replace(SETTINGS, url="http://127.0.0.1:1029/", allow_private_networks=True)
    trial = try_out_now(settings, tmp_path, asked_by="root", user_agent="Trackside/1")
    assert (trial.taken, trial.status) == (False, None)
    assert trial.sentence.startswith("unreachable: ")
