"""Names that a field of a form offers."""

from collections.abc import Iterator

import pytest
from django.http import QueryDict
from django.test import Client

from tests.django.webhooks.conftest import around, log, pages, root
from trackside.django.secret_rows.offers import OfferingInput, OfferingLines, offer, offered, withdraw
from trackside.django.webhooks.models import Webhook

__all__ = ["around", "log", "pages", "root"]

NAMES = [("a.created.v1", "A created"), ("b<.v1", 'B "quoted"')]
ADD = "/admin/trackside/webhook/add/"


@pytest.fixture
def offering() -> Iterator[None]:
    """Offer two names for events."""
    offer("events", lambda: reversed(NAMES))
    yield
    withdraw("events")


def test_an_input() -> None:
    """It is a line as ever, with a list beside it; nothing in names is markup."""
    shown = OfferingInput(NAMES).render("point", "x", {"id": "id_point"})
    assert 'name="point" value="x"' in shown
    assert 'list="point-offered"' in shown
    assert (
        '<datalist id="point-offered"><option value="a.created.v1">A created</option>'
        '<option value="b&lt;.v1">B &quot;quoted&quot;</option></datalist>'
    ) in shown


def test_lines() -> None:
    """Each value is a line, with empty ones below; what is typed in any of them comes back in order."""
    lines = OfferingLines(NAMES)
    shown = lines.render("events", "a.*\nb.*", {"id": "id_events"})
    assert [shown.count(f'id="id_events{at}"') for at in ("", "_1", "_4", "_5")] == [1, 1, 1, 0]
    assert 'value="b.*"' in shown
    assert lines.value_from_datadict(QueryDict("events=a.*&events=&events=b.*"), {}, "events") == "a.*\nb.*"
    assert lines.value_from_datadict({"events": "a.*\nb.*"}, {}, "events") == "a.*\nb.*"
    assert lines.value_from_datadict({}, {}, "events") == ""


def test_a_form_with_offers(pages: Client, around: object, offering: None) -> None:
    """A new webhook begins without an event, and wants one; globs can be typed."""
    assert offered("events") == NAMES
    page = pages.get(ADD).content.decode()
    assert '<option value="a.created.v1">A created</option>' in page
    assert 'name="events" id="id_events" value=""' in page
    form = {"name": "crm", "url": "https://8.8.8.8/in", "enabled": "on", "format": "json", "method": "POST"}
    chosen = {"start": "latest", "ordering": "none", "personal_data": "full"}
    assert "This field is required" in pages.post(ADD, {**form, **chosen}).content.decode()
    pages.post(ADD, {**form, **chosen, "events": ["a.created.v1", "", "c.*"]})
    assert Webhook.objects.get().events == ["a.created.v1", "c.*"]


def test_a_form_without(pages: Client, around: object) -> None:
    """Where nothing is offered all events are meant, as in a file."""
    page = pages.get(ADD).content.decode()
    assert "<datalist" not in page[page.index("field-events") : page.index("field-format")]
    assert offered("events") == []
