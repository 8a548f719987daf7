"""The admin's pages of the webfilters and of the questions they were asked."""

import json
import re
from datetime import UTC, datetime

import msgspec
import pytest
from django.contrib.admin.models import LogEntry
from django.db import connections
from django.test import Client
from django.urls import reverse

from tests.django.webfilters.conftest import Endpoint
from tests.django.webfilters.registration import REGISTRATION
from tests.django.webhooks.conftest import staff
from tests.django.webhooks.test_admin import typed
from tests.webfilters.tools import DATA, Asked, hook, stops
from trackside.django.secret_rows.rows import readable
from trackside.django.webfilters import actions, installing
from trackside.django.webfilters.keeping import row_of
from trackside.django.webfilters.models import Webfilter, WebfilterQuestion
from trackside.webfilters import Question

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("around")]

LIST = "/admin/trackside/webfilter/"
ADD = f"{LIST}add/"
AUDIT = "/admin/trackside/webfilterquestion/"
URL = "https://93.184.216.34/in?token=geheim"
POINT = REGISTRATION.name


@pytest.fixture(autouse=True)
def _asked_here() -> None:
    installing.install()


def add(client: Client, **changes: str) -> str:
    values = typed(client, ADD, **{"name": "gate", "url": URL, "point": POINT, **changes})
    return client.post(ADD, values, follow=True).content.decode()


def change_path(name: str = "gate") -> str:
    return reverse("admin:trackside_webfilter_change", args=(Webfilter.objects.get(name=name).pk,))


def act(client: Client, action: str) -> str:
    chosen = {
        "action": action,
        "_selected_action": [str(pk) for pk in Webfilter.objects.values_list("pk", flat=True)],
    }
    return client.post(LIST, chosen, follow=True).content.decode()


def keep(question: Question) -> WebfilterQuestion:
    row = row_of(msgspec.json.encode(question), "ada")
    row.save()
    return row


def question(**scripts: object) -> Question:
    asked = Asked(hook("gate"), hook("watch", mode="shadow"), **scripts)  # type: ignore[arg-type]
    asked.stopped(DATA)
    return asked.last


def test_a_new_webfilter_s_secret_is_shown_once(pages: Client) -> None:
    """Later pages tell its last characters; the list leaves the URL's query out."""
    shown = re.search(r'class="shown-once">(whsec_[^<]+)<', add(pages))
    assert shown is not None
    row = Webfilter.objects.get(name="gate")
    secrets = readable(row)
    assert secrets is not None
    assert secrets.signing[0].key == shown[1]
    assert (row.created_by, row.updated_by, row.mode, row.enabled) == ("root", "root", "enforce", True)
    for path in (LIST, change_path(), f"{LIST}{row.pk}/history/"):
        text = pages.get(path).content.decode()
        assert shown[1] not in text
        assert shown[1][6:20] not in text
    assert f"…{shown[1][-4:]}" in pages.get(change_path()).content.decode()
    assert "geheim" not in pages.get(LIST).content.decode()


def test_who_saves_a_webfilter_that_no_request_would_ask_is_told(
    pages: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in the settings is not seen in the admin."""
    assert "ATOMIC_REQUESTS" not in add(pages)
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    text = add(pages, name="second")
    assert "ATOMIC_REQUESTS" in text
    assert f"at {POINT}," in text


def test_every_setting_comes_through_the_form(pages: Client) -> None:
    text = add(
        pages,
        description="Who may register",
        mode="shadow",
        kind="decider",
        order="7",
        timeout_s="0.3",
        on_failure="fail_closed",
        halt_on_4xx="on",
        redirect_on_4xx="/sorry",
        message="Later, please.",
        form_encoding="on",
        where="form_data.country = D*\nform_data.country = !DK",
        fields="form_data.name",
        may_change="form_data.name",
        redact="email",
        secret_headers="X-Key: very secret",
        bearer_token="",
        cache_s="30",
    )
    assert "shown-once" in text
    row = Webfilter.objects.get()
    secrets = readable(row)
    assert secrets is not None
    assert (row.description, row.mode, row.kind, row.order) == ("Who may register", "shadow", "decider", 7)
    assert (row.timeout_s, row.on_failure, row.halt_on_4xx, row.redirect_on_4xx) == (
        0.3,
        "fail_closed",
        True,
        "/sorry",
    )
    assert row.where == {"form_data.country": ["D*", "!DK"]}
    assert (row.fields, row.may_change, row.redact) == (["form_data.name"], ["form_data.name"], ["email"])
    assert secrets.headers == {"X-Key": "very secret"}
    row.full_clean()


def test_what_is_wrong_is_told_beside_its_field(pages: Client) -> None:
    """In the sentences of the hooks of the settings, those about the point among them."""
    page = pages.post(
        ADD,
        typed(
            pages,
            ADD,
            name="a b",
            url="ftp://x",
            point=POINT,
            timeout_s="soon",
        ),
    )
    errors = page.context["adminform"].form.errors
    assert errors["timeout_s"] == ["timeout_s is 'soon'; want 0.01 to 30 seconds"]
    assert errors["name"] == ["name is no good name; want up to 64 letters, digits, _ and -"]
    page = pages.post(
        ADD,
        typed(
            pages,
            ADD,
            name="gate",
            url="http://10.0.0.1/",
            point=POINT,
            may_change="form_data.email",
            fields="x",
        ),
    )
    errors = page.context["adminform"].form.errors
    assert errors["may_change"][0].startswith("may_change has the path 'form_data.email'")
    assert errors["fields"][0].startswith("fields has the path 'x'")
    assert not Webfilter.objects.exists()


def test_a_row_may_not_lead_where_the_operator_does_not_let_it(pages: Client, around: object) -> None:
    from trackside.config.settings import Config
    from trackside.django.webhooks import surroundings
    from trackside.django.webhooks.surroundings import Surroundings

    surroundings.show(Surroundings(config=Config()))
    page = pages.post(ADD, typed(pages, ADD, name="gate", url="http://10.0.0.1/", point=POINT))
    [told] = page.context["adminform"].form.errors["url"]
    assert told.startswith("url must not be asked: its address is not to be reached")


def test_secrets_are_kept_unseen_and_follow_no_url_to_another_host(pages: Client) -> None:
    add(pages, secret_headers="X-Key: very secret")
    page = pages.get(change_path()).content.decode()
    assert "very secret" not in page
    assert "X-Key: ********" in page
    before = readable(Webfilter.objects.get())
    pages.post(change_path(), typed(pages, change_path(), description="new"))
    assert (Webfilter.objects.get().description, readable(Webfilter.objects.get())) == ("new", before)
    answer = pages.post(change_path(), typed(pages, change_path(), url="https://93.184.216.35/in"))
    assert answer.context["adminform"].form.errors["url"] == [
        "url leads to another host; give headers.X-Key anew, or remove it"
    ]


def test_somebody_else_s_change_is_not_written_over(pages: Client) -> None:
    add(pages)
    values = typed(pages, change_path(), description="mine")
    actions.change(Webfilter.objects.get(), by="other", order=5)
    assert (
        "Somebody else changed this webfilter meanwhile" in pages.post(change_path(), values).content.decode()
    )
    assert (Webfilter.objects.get().order, Webfilter.objects.get().description) == (5, "")


@pytest.mark.parametrize(
    ("action", "told", "columns"),
    [
        ("disable", "1 webfilter was disabled.", (False, "enforce")),
        ("enable", "1 webfilter was enabled.", (True, "enforce")),
        ("shadow", "1 webfilter was put into shadow.", (True, "shadow")),
        ("enforce", "1 webfilter was put in force.", (True, "enforce")),
    ],
)
def test_actions(pages: Client, action: str, told: str, columns: tuple[bool, str]) -> None:
    add(pages)
    assert told in act(pages, action)
    row = Webfilter.objects.get()
    assert ((row.enabled, row.mode), row.updated_by) == (columns, "root")
    assert LogEntry.objects.filter(
        object_id=str(row.pk), change_message__contains=told.split(" was ")[1][:-1].capitalize()
    )


def test_a_new_signing_secret_signs_beside_the_old_one(pages: Client) -> None:
    add(pages)
    old = readable(Webfilter.objects.get())
    shown = re.search(r'class="shown-once">(whsec_[^<]+)<', act(pages, "rotate"))
    new = readable(Webfilter.objects.get())
    assert old is not None
    assert new is not None
    assert shown is not None
    assert new.live_keys(datetime.now(UTC)) == (shown[1], old.signing[0].key)


@pytest.mark.parametrize(
    ("status", "reply", "told"),
    [
        (200, b"", "it would have gone on, unchanged (status 200)."),
        (
            200,
            b'{"data": {"form_data": {"name": "New"}}}',
            "it would have changed form_data.name = &quot;New&quot; (status 200).",
        ),
        (
            200,
            b'{"exception": {"PreventRegistration": "no"}}',
            "it would have halted with PreventRegistration (status 200).",
        ),
        (200, b"[", "no usable answer (status 200): the answer is no JSON; it would have gone on."),
        (
            503,
            b"",
            "no usable answer (status 503): it answered 503; PreventRegistration would have halted it.",
        ),
    ],
)
def test_the_test_asks_as_a_question_does_and_changes_nothing(
    pages: Client, endpoint: Endpoint, status: int, reply: bytes, told: str
) -> None:
    """With the point's example data, also a disabled one in shadow, whose `where` would not ask."""
    endpoint.status, endpoint.reply = status, reply
    add(pages, url=endpoint.url, mode="shadow", halt_on_5xx="on", where="form_data.name = Nobody")
    actions.change(Webfilter.objects.get(), by="root", enabled=False)
    before = Webfilter.objects.get().revision
    assert told in pages.post(f"{change_path()[: -len('change/')]}test/", follow=True).content.decode()
    [(headers, body)] = endpoint.requests
    sent = json.loads(body)
    assert sent["form_data"] == {"name": "Ada L", "email": "ada@example.org"}
    assert sent["event_metadata"]["event_type"] == POINT
    assert headers["webhook-id"] == sent["event_metadata"]["id"]
    assert headers["webhook-id"].startswith("test-")
    assert "webhook-signature" in headers
    assert Webfilter.objects.get().revision == before
    assert not WebfilterQuestion.objects.exists()


def test_a_test_without_a_point_is_told(pages: Client) -> None:
    add(pages, point="nothing.of.the.kind")
    assert "no filter point is called nothing.of.the.kind" in act(pages, "try_out")


def test_the_list_shows_how_each_stands(pages: Client) -> None:
    """Its last decision is that of the newest question in which it was asked."""
    add(pages)
    keep(question(gate=stops()))
    text = pages.get(LIST).content.decode()
    assert '<td class="field-breaker">asked</td>' in text
    assert '<td class="field-last_decision">halted, 2026-11-20 12:00:00</td>' in text
    act(pages, "disable")
    assert '<td class="field-mode_shown">disabled</td>' in pages.get(LIST).content.decode()


def test_who_may_only_look_changes_nothing(pages: Client) -> None:
    add(pages)
    client = Client(headers={"host": "localhost"})
    client.force_login(staff("view_webfilter"))
    text = client.get(change_path()).content.decode()
    assert 'name="secret"' not in text
    assert client.post(f"{change_path()[: -len('change/')]}test/").status_code == 403
    assert client.post(f"{change_path()[: -len('change/')]}rotate/").status_code == 403
    assert client.get(f"{change_path()[: -len('change/')]}test/").status_code == 403


def test_the_audit_is_searched_and_filtered(pages: Client) -> None:
    """By the hash of what was asked about, by point, decision, hook, shadow and failures passed over."""
    kept = keep(question(gate=stops()))
    keep(msgspec.structs.replace(question(), point="other.point", input_hash="f" * 32))

    def found(query: str) -> int:
        return int(pages.get(f"{AUDIT}?{query}").context["cl"].result_count)

    assert found("") == 2
    assert found(f"q={kept.input_hash}") == found(f"q={kept.question_id}&point={kept.point}") == 1
    assert found("q=nothing") == 0
    assert (found("decision=halted"), found("decision=passed")) == (1, 1)
    assert (found("hook=gate"), found("hook=gat"), found("point=other.point")) == (2, 0, 1)
    assert (found("has_shadow__exact=1"), found("fail_open__exact=1")) == (1, 0)
    assert found("asked_at__gte=2027-01-01+00:00:00%2B00:00") == 0


def test_the_audit_is_read_only(pages: Client) -> None:
    """For superusers too; what is shown of hooks is escaped."""
    row = keep(question(gate=stops()))
    row.hooks[0]["reason"] = "<script>"
    row.save()
    path = f"{AUDIT}{row.pk}/change/"
    text = pages.get(path).content.decode()
    assert "&lt;script&gt;" in text
    assert "<script>&quot;" not in text
    assert 'name="_save"' not in text
    assert pages.post(path, {"point": "x"}).status_code == 403
    assert pages.get(f"{AUDIT}add/").status_code == 403
    assert pages.post(f"{AUDIT}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert WebfilterQuestion.objects.get().point == row.point


def test_where_no_point_is_declared_the_pages_are_not_offered(
    pages: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a server that only routes events nobody would ever be asked."""
    assert "Webfilter" in pages.get("/admin/").content.decode()
    for module in ("admin", "question_admin"):
        monkeypatch.setattr(f"trackside.django.webfilters.{module}.POINTS", {})
    assert "Webfilter" not in pages.get("/admin/").content.decode()
