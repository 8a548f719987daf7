"""The admin's pages of the webhooks."""

import json
import re
from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import Settings

from tests.django.webhooks.conftest import FILE_SECRET, Endpoint, staff
from trackside.django.webhooks import actions
from trackside.django.webhooks.models import ApiToken, Webhook, readable
from trackside.django.webhooks.surroundings import Surroundings
from trackside.log.memory import MemoryLog

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("around")]

LIST = "/admin/trackside/webhook/"
ADD = f"{LIST}add/"
URL = "https://93.184.216.34/in"


def typed(client: Client, path: str, **changes: str) -> dict[str, str]:
    """Return what a browser would send of the form at `path`, with these fields typed anew."""
    page = client.get(path)
    form = page.context["adminform"].form
    values: dict[str, str] = {}
    for name, field in form.fields.items():
        if f'name="{name}"' not in page.content.decode():
            continue
        value = form.initial.get(name, field.initial)
        if value is True:
            values[name] = "on"
        elif value is not None and value is not False:
            values[name] = str(value)
    return {**{name: value for name, value in values.items() if value}, **changes}


def add(client: Client, **changes: str) -> str:
    answer = client.post(ADD, typed(client, ADD, **{"name": "crm", "url": URL, **changes}))
    return answer.content.decode()


def test_the_list_shows_no_query(pages: Client) -> None:
    """It may hold a key of the receiver's."""
    add(pages, url=f"{URL}?key=hunter2")
    text = pages.get(LIST).content.decode()
    assert URL in text
    assert "hunter2" not in text


def test_a_new_webhook_s_secret_is_shown_once(pages: Client) -> None:
    """The page after the form shows it; no page afterwards does, only its last characters."""
    shown = re.search(r'class="shown-once">(whsec_[^<]+)<', add(pages))
    assert shown is not None
    row = Webhook.objects.get(name="crm")
    secrets = readable(row)
    assert secrets is not None
    assert secrets.signing[0].key == shown[1]
    assert (row.created_by, row.updated_by, row.start) == ("root", "root", "latest")
    for path in (LIST, f"{LIST}{row.pk}/change/", f"{LIST}{row.pk}/history/"):
        text = pages.get(path).content.decode()
        assert shown[1] not in text
        assert shown[1][6:20] not in text
    assert f"…{shown[1][-4:]}" in pages.get(f"{LIST}{row.pk}/change/").content.decode()


def test_the_form_says_what_the_file_s_reader_says(pages: Client) -> None:
    text = add(pages, timeout_s="soon", concurrency="1000", url="ftp://x", retry_schedule_s="5\nnever")
    for sentence in (
        "timeout_s is &#x27;soon&#x27;; want 0.1 to 300 seconds",
        "concurrency is &#x27;1000&#x27;; want a whole number, 1 to 256",
        "retry_schedule_s is [&#x27;5&#x27;, &#x27;never&#x27;]; want",
    ):
        assert sentence in text
    assert not Webhook.objects.exists()


def test_every_setting_comes_through_the_form(pages: Client) -> None:
    add(
        pages,
        events="edx.course.*\npage",
        where="context.course_id = course-v1:edX+*\ncontext.course_id = course-v1:MIT+*",
        retry_schedule_s="5\n300",
        refuse_statuses="400\n404",
        secret_headers="X-Key: very secret\nX-Other: a",
        format="cloudevents",
        personal_data="ids_only",
        bearer_token="tok-en-value",
    )
    row = Webhook.objects.get(name="crm")
    secrets = readable(row)
    assert secrets is not None
    assert row.events == ["edx.course.*", "page"]
    assert row.where == {"context.course_id": ["course-v1:edX+*", "course-v1:MIT+*"]}
    assert (row.retry_schedule_s, row.refuse_statuses, row.format, row.personal_data) == (
        [5.0, 300.0],
        [400, 404],
        "cloudevents",
        "ids_only",
    )
    assert (secrets.headers, secrets.bearer_token) == (
        {"X-Key": "very secret", "X-Other": "a"},
        "tok-en-value",
    )


def test_secrets_are_kept_replaced_and_removed_unseen(pages: Client) -> None:
    add(pages, secret_headers="X-Key: very secret\nX-Other: a", bearer_token="tok-en-value")
    path = reverse("admin:trackside_webhook_change", args=(Webhook.objects.get().pk,))
    page = pages.get(path).content.decode()
    assert "very secret" not in page
    assert "tok-en-value" not in page
    assert "X-Key: ********" in page
    before = readable(Webhook.objects.get())
    pages.post(path, typed(pages, path, description="new"))
    kept = Webhook.objects.get()
    assert (kept.description, readable(kept)) == ("new", before)
    pages.post(path, typed(pages, path, secret_headers="X-Key: ********\nX-New: b", remove_bearer_token="on"))
    after = readable(Webhook.objects.get())
    assert after is not None
    assert (after.headers, after.bearer_token) == ({"X-Key": "very secret", "X-New": "b"}, "")
    history = " ".join(LogEntry.objects.values_list("change_message", flat=True))
    assert "secret" not in history.lower().replace("signing secret", "")
    pages.post(path, typed(pages, path, unsigned="on"))
    unsigned = readable(Webhook.objects.get())
    assert unsigned is not None
    assert unsigned.signing == ()


def test_somebody_else_s_change_is_not_written_over(pages: Client) -> None:
    add(pages)
    path = reverse("admin:trackside_webhook_change", args=(Webhook.objects.get().pk,))
    mine = typed(pages, path, description="mine")
    actions.change("crm", {"description": "theirs"}, by="api")
    assert "Somebody else changed this webhook meanwhile" in pages.post(path, mine).content.decode()
    assert Webhook.objects.get().description == "theirs"


def test_the_name_is_chosen_once(pages: Client) -> None:
    """It cannot be edited, taken twice, be one of the file, or be used again after a delete."""
    add(pages)
    row = Webhook.objects.get()
    path = reverse("admin:trackside_webhook_change", args=(row.pk,))
    pages.post(path, {**typed(pages, path), "name": "other"})
    assert Webhook.objects.get().name == "crm"
    assert "which is taken by the webhook crm" in add(pages, name="CRM")
    assert "which the configuration file declares" in add(pages, name="declared")
    pages.post(f"{LIST}{row.pk}/delete/", {"post": "yes"})
    assert not Webhook.objects.exists()
    gone = Webhook.all_rows.get()
    assert gone.deleted_at is not None
    assert readable(gone).signing == ()  # type: ignore[union-attr]  # they can be read
    assert "deleted webhooks keep their name; choose another" in add(pages)
    assert pages.get(path).status_code == 302


def test_one_that_was_given_up_says_why_and_goes_on_once_it_is_enabled(pages: Client, log: MemoryLog) -> None:
    add(pages)
    log.subscription("crm").pause(True)
    actions.give_up("crm", "answered 410 Gone: it wants no more events")
    assert "answered 410 Gone" in pages.get(LIST).content.decode()
    path = reverse("admin:trackside_webhook_change", args=(Webhook.objects.get().pk,))
    pages.post(path, typed(pages, path, description="still not"))
    assert not Webhook.objects.get().enabled
    pages.post(path, typed(pages, path, enabled="on"))
    row = Webhook.objects.get()
    assert (row.enabled, row.disabled_reason, row.disabled_at) == (True, "", None)
    assert not log.subscription("crm").state().paused


def test_the_event_of_the_form_s_own_request_holds_no_secret(pages: Client, settings: Settings) -> None:
    """Where a site makes each request an event, this one has its parameters, and none of the secrets."""
    from trackside.django.request_event import request_payload

    form = typed(
        pages,
        ADD,
        name="crm",
        url=URL,
        secret="whsec_unseen",
        secret_headers="X-Key: unseen",
        bearer_token="unseen",
        basic_password="unseen",
        oauth_client_secret="unseen",
        description="shown",
    )
    settings.TRACKSIDE = {"requests": {"payload_chars": 100_000}}
    request = RequestFactory().post(ADD, form)
    assert request.POST["secret_headers"] == "X-Key: unseen"
    told = request_payload(request)
    assert '["shown"]' in told
    assert "unseen" not in told


def test_without_cryptography_nothing_is_kept(pages: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The form says what to install, and so does a check."""
    from trackside.django.checks import check_encryption

    assert list(check_encryption()) == []
    monkeypatch.setattr("trackside.django.secret_rows.encryption.is_available", lambda: False)
    assert "cannot be kept without cryptography" in add(pages)
    assert not Webhook.objects.exists()
    assert [each.id for each in check_encryption()] == ["trackside.W010"]


def test_several_are_deleted_at_once(pages: Client) -> None:
    add(pages)
    add(pages, name="erp")
    chosen = [str(pk) for pk in Webhook.objects.values_list("pk", flat=True)]
    pages.post(LIST, {"action": "delete_selected", "post": "yes", "_selected_action": chosen})
    assert not Webhook.objects.exists()
    assert Webhook.all_rows.count() == 2


def test_the_file_s_webhooks_are_shown_read_only(pages: Client) -> None:
    text = pages.get(LIST).content.decode()
    assert "Declared in the configuration file (read-only)" in text
    assert "https://declared.example.org/in" in text
    assert FILE_SECRET not in text
    assert FILE_SECRET[-8:] not in text


def test_the_list_says_how_each_stands(pages: Client, log: MemoryLog) -> None:
    add(pages)
    add(pages, name="erp")
    log.subscription("crm").pause(True)
    log.subscription("erp")
    actions.disable("erp", by="root")
    text = pages.get(LIST).content.decode()
    assert '<td class="field-standing">paused</td>' in text
    assert '<td class="field-standing">disabled</td>' in text


def test_without_a_log_the_list_says_so(pages: Client, around: Surroundings) -> None:
    from msgspec.structs import replace

    from trackside.django.webhooks import surroundings

    surroundings.show(replace(around, log=None))
    add(pages)
    assert "unknown: no log here" in pages.get(LIST).content.decode()


def test_a_log_that_is_forwarded_is_not_the_one_that_is_delivered_from(
    pages: Client, around: Surroundings, tmp_path: Path
) -> None:
    """A host of several knows nothing of how webhooks stand; where somebody has delivered, that log counts."""
    from msgspec.structs import replace

    from trackside.config.settings import LogSettings
    from trackside.django.webhooks import surroundings
    from trackside.log.sqlite import SQLiteLog

    SQLiteLog(tmp_path, LogSettings()).close()
    (tmp_path / "forward.lock").touch()
    surroundings.show(replace(around, log=None))
    add(pages)
    assert "unknown: no log here" in pages.get(LIST).content.decode()
    (tmp_path / "delivery.lock").touch()
    assert "unknown: no log here" not in pages.get(LIST).content.decode()


@pytest.mark.parametrize(
    ("action", "told"),
    [
        ("enable", "1 webhook was enabled."),
        ("disable", "1 webhook was disabled."),
        ("pause", "1 webhook was paused."),
        ("resume", "1 webhook was resumed."),
        ("retry_dead", "1 webhook was told to send its dead letters again."),
    ],
)
def test_actions(pages: Client, log: MemoryLog, action: str, told: str) -> None:
    add(pages)
    log.subscription("crm")
    chosen = {"action": action, "_selected_action": [str(Webhook.objects.get().pk)]}
    assert told in pages.post(LIST, chosen, follow=True).content.decode()
    row = Webhook.objects.get()
    assert row.enabled is (action != "disable")
    assert log.subscription("crm").state().paused is (action == "pause")


def test_an_action_that_cannot_be_done_is_told(pages: Client) -> None:
    add(pages)
    chosen = {"action": "pause", "_selected_action": [str(Webhook.objects.get().pk)]}
    assert "crm has not been started yet" in pages.post(LIST, chosen, follow=True).content.decode()


def test_rotating_shows_the_new_secret_once(pages: Client) -> None:
    add(pages)
    before = readable(Webhook.objects.get())
    text = pages.post(f"{LIST}{Webhook.objects.get().pk}/rotate/").content.decode()
    after = readable(Webhook.objects.get())
    assert before is not None
    assert after is not None
    assert [each.key for each in after.signing] == [after.signing[0].key, before.signing[0].key]
    assert after.signing[0].key in text
    assert before.signing[0].key not in text


def test_the_test_button_tells_what_came(pages: Client, endpoint: Endpoint) -> None:
    add(pages, url=endpoint.url)
    path = f"{LIST}{Webhook.objects.get().pk}/test/"
    assert "answered 200, delivered" in pages.post(path, follow=True).content.decode()
    headers, body = endpoint.requests[0]
    assert json.loads(body)["name"] == "trackside.test"
    assert json.loads(body)["data"]["asked_by"] == "root"
    assert headers["webhook-signature"].startswith("v1,")
    endpoint.status, endpoint.reply = 500, b"<script>no</script>"
    text = pages.post(path, follow=True).content.decode()
    assert "answered 500 Internal Server Error" in text
    assert "&lt;script&gt;no" in text
    assert pages.get(path).status_code == 405


def test_whoever_may_only_look_changes_nothing(db: None, pages: Client) -> None:
    add(pages)
    row = Webhook.objects.get()
    client = Client(headers={"host": "localhost"})
    client.force_login(staff("view_webhook"))
    page = client.get(f"{LIST}{row.pk}/change/")
    assert page.status_code == 200
    assert URL in page.content.decode()
    for path in (f"{LIST}{row.pk}/test/", f"{LIST}{row.pk}/rotate/", ADD, f"{LIST}{row.pk}/delete/"):
        assert client.post(path).status_code == 403, path


def test_a_token_is_shown_once_and_only_its_digest_kept(pages: Client) -> None:
    text = pages.post(
        "/admin/trackside/apitoken/add/", {"name": "deploy", "username": "root"}
    ).content.decode()
    shown = re.search(r'class="shown-once">(tsk_[^<]+)<', text)
    assert shown is not None
    row = ApiToken.objects.get()
    assert shown[1] not in json.dumps(list(ApiToken.objects.values()), default=str)
    assert shown[1] not in pages.get(f"/admin/trackside/apitoken/{row.pk}/change/").content.decode()


def test_only_superusers_make_tokens_for_others(pages: Client) -> None:
    client = Client(headers={"host": "localhost"})
    client.force_login(staff("add_apitoken"))
    path = "/admin/trackside/apitoken/add/"
    assert "Only superusers" in client.post(path, {"name": "mine", "username": "root"}).content.decode()
    assert User.objects.filter(username="staff").exists()
    client.post(path, {"name": "mine", "username": "staff"})
    assert ApiToken.objects.get().created_by == "staff"
