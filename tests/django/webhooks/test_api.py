"""The API of the webhooks: what each request is answered, and by whose permission."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from msgspec import Raw
from pytest_django import Settings

from tests.django.webhooks.conftest import FILE_SECRET, Endpoint, staff
from trackside.django.webhooks import actions, tokens
from trackside.django.webhooks.models import ApiToken, Webhook, readable
from trackside.event import Event
from trackside.log.memory import MemoryLog
from trackside.log.subscription import DeadLetter, Progress
from trackside.outbound.signing import new_secret

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("around")]

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
URL = "https://93.184.216.34/in"
NEW = {"name": "crm", "url": URL, "events": ["edx.course.*"]}


class Api:
    """The API with a token."""

    def __init__(self, user: User, name: str = "test") -> None:
        _, token = tokens.create(name, username=user.username, by="test")
        self.client = Client(headers={"host": "localhost", "authorization": f"Bearer {token}"})

    def __call__(self, method: str, path: str = "", body: Any = None) -> tuple[int, Any]:
        """Return the status and the decoded answer."""
        content = body if isinstance(body, str) else json.dumps(body) if body is not None else ""
        response = self.client.generic(method, f"/api/webhooks{path}", content, "application/json")
        return response.status_code, json.loads(response.content) if response.content else None


@pytest.fixture
def api(root: User) -> Api:
    return Api(root)


def test_a_webhook_s_life(api: Api) -> None:
    """Made, read, changed, listed, deleted."""
    status, made = api("POST", "", NEW)
    assert status == 201
    secret = made["new_secret"]
    assert secret.startswith("whsec_")
    assert made["secret"] == [f"…{secret[-4:]}"]
    assert (made["origin"], made["url"], made["events"]) == ("database", URL, ["edx.course.*"])
    assert (made["created_by"], made["start"], made["state"]) == ("root", "latest", "new")
    status, read = api("GET", "/crm")
    assert status == 200
    assert read == {name: value for name, value in made.items() if name != "new_secret"}
    status, changed = api(
        "PATCH", "/crm", {"timeout_s": 3, "description": "the CRM", "revision": read["revision"]}
    )
    assert (status, changed["timeout_s"], changed["description"]) == (200, 3.0, "the CRM")
    assert changed["revision"] == read["revision"] + 1
    status, listed = api("GET")
    assert [each["name"] for each in listed["webhooks"]] == ["declared", "crm"]
    assert api("DELETE", "/crm") == (204, None)
    assert api("GET", "/crm")[0] == 404
    status, refused = api("POST", "", NEW)
    assert status == 400
    assert "deleted webhooks keep their name" in refused["errors"]["name"][0]


def test_making_the_same_webhook_again_changes_nothing(api: Api) -> None:
    """200 and no secret; with other settings 409."""
    api("POST", "", NEW)
    before = Webhook.objects.get().revision
    status, again = api("POST", "", NEW)
    assert status == 200
    assert "new_secret" not in again
    assert Webhook.objects.get().revision == before
    assert api("POST", "", {**NEW, "timeout_s": 2})[0] == 409
    assert api("POST", "", {**NEW, "secret": new_secret()})[0] == 409
    assert Webhook.objects.count() == 1


def test_no_secret_comes_out_again(api: Api) -> None:
    given = {
        "secret": new_secret(),
        "headers": {"X-Key": "header-value"},
        "bearer_token": "bearer-value",
    }
    assert api("POST", "", {**NEW, **given})[0] == 201
    for _, answer in (api("GET"), api("GET", "/crm"), api("PATCH", "/crm", {"timeout_s": 1})):
        text = json.dumps(answer)
        for value in (given["secret"], "header-value", "bearer-value", FILE_SECRET):
            assert str(value) not in text
    assert api("GET", "/crm")[1]["headers"] == {"X-Key": "********"}


def test_a_patch_is_a_merge_patch(api: Api) -> None:
    """What is not named stays, null takes back to the default, a header alone can be set and removed."""
    api("POST", "", {**NEW, "timeout_s": 2, "headers": {"A": "1", "B": "2"}, "bearer_token": "bearer-value"})
    api("PATCH", "/crm", {"timeout_s": None, "headers": {"A": None, "C": "3"}, "bearer_token": None})
    secrets = readable(Webhook.objects.get())
    assert secrets is not None
    assert (secrets.headers, secrets.bearer_token) == ({"B": "2", "C": "3"}, "")
    assert len(secrets.signing) == 1
    row = Webhook.objects.get()
    assert (row.timeout_s, row.events) == (15.0, ["edx.course.*"])
    api("PATCH", "/crm", {"secret": ""})
    assert api("GET", "/crm")[1]["secret"] == []


@pytest.mark.parametrize(
    ("body", "setting", "sentence"),
    [
        ({"url": URL}, "name", "name is no good name"),
        ({"name": "a b", "url": URL}, "name", "name is no good name"),
        ({"name": 7, "url": URL}, "name", "name is no good name"),
        ({"name": "declared", "url": URL}, "name", "which the configuration file declares"),
        ({"name": "x"}, "url", "url is missing; want an http or https URL"),
        ({"name": "x", "url": "ftp://a.example.org"}, "url", "url is 'ftp://a.example.org'; want an http"),
        (
            {"name": "x", "url": "https://u:p@a.example.org"},
            "url",
            "url cannot be asked: it holds a user name",
        ),
        ({"name": "x", "url": "http://169.254.169.254/"}, "url", "url must not be asked: its address is not"),
        (
            {"name": "x", "url": URL, "timeout_s": "soon"},
            "timeout_s",
            "timeout_s is 'soon'; want 0.1 to 300 s",
        ),
        (
            {"name": "x", "url": URL, "timeout": 1},
            "timeout",
            "timeout is not a setting; did you mean timeout_s?",
        ),
        ({"name": "x", "url": URL, "where": {"nope.a": "b"}}, "where", "where has the path 'nope.a'"),
        ({"name": "x", "url": URL, "redact": ["("]}, "redact", "redact: "),
        ({"name": "x", "url": URL, "secret": "whsec_short"}, "secret", "secret: a secret is not good"),
        (
            {"name": "x", "url": URL, "headers": {"Host": "a"}},
            "headers",
            "headers: Host is set by the client",
        ),
        (
            {"name": "x", "url": URL, "headers": {"A": 1}},
            "headers",
            "headers has a value that cannot be used",
        ),
        (
            {"name": "x", "url": URL, "allow_private_networks": True},
            "allow_private_networks",
            "for the operator",
        ),
        ({"name": "x", "url": URL, "http2": False}, "http2", "for the operator"),
        (
            {"name": "x", "url": URL, "tls_ca_file": "/etc/passwd"},
            "tls_ca_file",
            "want a file in the folder tls",
        ),
        ({"name": "x", "url": URL, "tls_ca_file": "tls/no.pem"}, "tls_ca_file", "cannot be used"),
        ({"name": "x", "url": URL, "kind": "segment"}, "kind", "want webhook"),
        ({"name": "x", "url": URL, "description": 7}, "description", "description is 7; want text"),
        (
            {"name": "x", "url": URL, "basic_username": "u" * 300},
            "basic_username",
            "longer than 255 characters",
        ),
    ],
)
def test_what_cannot_be_used_is_told_by_setting(
    api: Api, body: dict[str, Any], setting: str, sentence: str
) -> None:
    status, answer = api("POST", "", body)
    assert status == 400
    assert sentence in answer["errors"][setting][0]
    assert not Webhook.objects.exists()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "", "{", 400),
        ("POST", "", "[]", 400),
        ("POST", "", "\xff", 400),
        ("POST", "", "[" * 100_000, 400),
        ("PUT", "", {}, 405),
        ("POST", "/crm", {}, 405),
        ("GET", "/crm/test", None, 405),
        ("GET", "/nobody", None, 404),
        ("PATCH", "/nobody", {}, 404),
        ("DELETE", "/nobody", None, 404),
        ("POST", "/nobody/test", None, 404),
        ("POST", "/nobody/pause", None, 404),
        ("POST", "/crm/explode", None, 404),
        ("GET", "/a%20b", None, 404),
        ("PATCH", "/crm", {"revision": 99}, 409),
        ("PATCH", "/crm", {"revision": "a"}, 400),
        ("PATCH", "/crm", {"name": "other"}, 400),
        ("PATCH", "/declared", {"timeout_s": 1}, 409),
        ("DELETE", "/declared", None, 409),
        ("POST", "/declared/rotate", None, 409),
        ("POST", "/declared/disable", None, 409),
        ("POST", "/crm/pause", None, 409),
        ("POST", "/crm/rotate", {"overlap_s": -1}, 400),
        ("POST", "/crm/rotate", {"overlap": 1}, 400),
        ("GET", "/crm/dead-letters?limit=0", None, 400),
        ("POST", "/crm/dead-letters/retry", {}, 400),
        ("POST", "/crm/dead-letters/retry", {"positions": [True]}, 400),
        ("POST", "/crm/dead-letters/retry", {"everything": True}, 400),
    ],
)
def test_statuses(api: Api, method: str, path: str, body: Any, status: int) -> None:
    api("POST", "", NEW)
    before = Webhook.objects.get().revision
    answered, answer = api(method, path, body)
    assert answered == status, answer
    assert answer["errors"]
    assert Webhook.objects.get().revision == before


def test_405_names_what_is_wanted(api: Api) -> None:
    assert api.client.put("/api/webhooks").headers["Allow"] == "GET, POST"


def test_verbs(api: Api, log: MemoryLog, endpoint: Endpoint) -> None:
    _, made = api("POST", "", {**NEW, "url": endpoint.url})
    log.subscription("crm")
    assert api("POST", "/crm/pause")[1]["state"] == "paused"
    assert api("POST", "/crm/resume")[1]["state"] == "stopped"
    assert api("POST", "/crm/disable")[1]["state"] == "disabled"
    assert api("POST", "/crm/enable")[1]["enabled"] is True
    status, tried = api("POST", "/crm/test")
    assert (status, tried["taken"], tried["status"], tried["excerpt"]) == (200, True, 200, "thank you")
    assert log.bounds().events == 0
    status, rotated = api("POST", "/crm/rotate", {"overlap_s": 60})
    assert status == 200
    assert rotated["new_secret"] != made["new_secret"]
    assert api("GET", "/crm")[1]["secret"] == [
        f"…{rotated['new_secret'][-4:]}",
        f"…{made['new_secret'][-4:]}",
    ]
    assert api("POST", "/declared/test")[1]["taken"] is False
    log.subscription("declared")
    assert api("POST", "/declared/pause")[1]["state"] == "paused"


def test_dead_letters_are_listed_and_sent_again(api: Api, log: MemoryLog) -> None:
    api("POST", "", NEW)
    event = Event(
        id="e-1",
        name="seen",
        type="track",
        source="web",
        timestamp=AT,
        received_at=AT,
        data=Raw(b'{"private":"data"}'),
        context=Raw(b"{}"),
    )
    letters = [
        DeadLetter(position=number, event=event, attempts=3, died_at=AT, reason="answered 500")
        for number in (1, 2, 3)
    ]
    log.subscription("crm").advance(Progress(position=3, dead=letters), now=AT)
    status, page = api("GET", "/crm/dead-letters?limit=2")
    assert status == 200
    assert [each["position"] for each in page["dead_letters"]] == [1, 2]
    assert page["next_after"] == 2
    assert page["dead_letters"][0]["event"]["id"] == "e-1"
    assert "private" not in json.dumps(page)
    assert api("GET", "/crm/dead-letters?limit=2&after=2")[1]["next_after"] is None
    assert api("POST", "/crm/dead-letters/retry", {"positions": [1]}) == (200, {"retried": 1})
    assert api("POST", "/crm/dead-letters/retry", {"all": True}) == (200, {"retried": 2})


def test_without_a_good_token_nobody_gets_in(db: None, root: User) -> None:
    _, token = tokens.create("old", username="root", by="test")
    tokens.revoke("old")
    for given in ("", "Bearer", f"Bearer {token}", f"Basic {token}", "Bearer tsk_" + "a" * 43, "Bearer é"):
        client = Client(headers={"host": "localhost", **({"authorization": given} if given else {})})
        for path in ("/api/webhooks", "/api/webhooks/crm", "/api/nothing"):
            response = client.get(path)
            assert response.status_code == 401
            assert response.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_ends_with_its_user(root: User) -> None:
    api = Api(root)
    assert api("GET")[0] == 200
    User.objects.filter(pk=root.pk).update(is_active=False)
    assert api("GET")[0] == 401


def test_the_use_of_a_token_is_noted(api: Api) -> None:
    assert ApiToken.objects.get().last_used_at is None
    api("GET")
    assert ApiToken.objects.get().last_used_at is not None


@pytest.mark.parametrize(
    ("permission", "good"),
    [
        ("view_webhook", {("GET", ""), ("GET", "/crm"), ("GET", "/crm/dead-letters")}),
        ("add_webhook", {("POST", "")}),
        ("change_webhook", {("PATCH", "/crm"), ("POST", "/crm/rotate"), ("POST", "/crm/disable")}),
        ("delete_webhook", {("DELETE", "/crm")}),
    ],
)
def test_the_user_s_permissions_count(
    root: User, log: MemoryLog, permission: str, good: set[tuple[str, str]]
) -> None:
    log.subscription("crm")
    Api(root)("POST", "", NEW)
    api = Api(staff(permission), "staff")
    everything: list[tuple[str, str, Any]] = [
        ("GET", "", None),
        ("GET", "/crm", None),
        ("GET", "/crm/dead-letters", None),
        ("POST", "", {**NEW, "name": "new"}),
        ("PATCH", "/crm", {}),
        ("POST", "/crm/rotate", None),
        ("POST", "/crm/disable", None),
        ("DELETE", "/crm", None),
    ]
    allowed = {(method, path) for method, path, body in everything if api(method, path, body)[0] != 403}
    assert allowed == good


def test_a_logged_in_member_of_staff_needs_the_csrf_token(root: User) -> None:
    client = Client(enforce_csrf_checks=True, headers={"host": "localhost"})
    client.force_login(root)
    assert client.get("/api/webhooks").status_code == 200
    body = json.dumps(NEW)
    refused = client.post("/api/webhooks", body, "application/json")
    assert refused.status_code == 403
    assert "CSRF" in refused.json()["errors"]["request"][0]
    client.get("/admin/trackside/webhook/add/")
    token = client.cookies["trackside_csrf"].value
    made = client.post("/api/webhooks", body, "application/json", headers={"X-CSRFToken": token})
    assert made.status_code == 201


def test_somebody_who_is_no_member_of_staff_does_not_get_in(db: None) -> None:
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create_user("learner", is_superuser=True))
    assert client.get("/api/webhooks").status_code == 401


@pytest.mark.parametrize("again", [("POST", "/crm/enable", None), ("PATCH", "/crm", {"enabled": True})])
def test_enabling_goes_on_where_delivery_gave_up(
    api: Api, log: MemoryLog, again: tuple[str, str, Any]
) -> None:
    api("POST", "", NEW)
    log.subscription("crm").pause(True)
    actions.give_up("crm", "answered 410 Gone: it wants no more events")
    shown = api("GET", "/crm")[1]
    assert (shown["state"], shown["disabled_reason"]) == (
        "disabled",
        "answered 410 Gone: it wants no more events",
    )
    shown = api("PATCH", "/crm", {"timeout_s": 1})[1]
    assert (shown["state"], shown["enabled"]) == ("disabled", False)
    method, path, body = again
    shown = api(method, path, body)[1]
    assert (shown["state"], shown["disabled_reason"], shown["disabled_at"]) == ("stopped", "", None)
    assert not log.subscription("crm").state().paused


CREDENTIALS: dict[str, Any] = {"bearer_token": "bearer-value", "headers": {"X-Key": "header-value"}}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"url": "https://93.184.216.35/in"}, "give bearer_token and headers.X-Key anew, or remove it"),
        ({"url": "https://93.184.216.34:8443/in"}, "give bearer_token and headers.X-Key anew"),
        ({"url": "http://93.184.216.34/in"}, "give bearer_token and headers.X-Key anew"),
        ({"url": "https://93.184.216.35/in", "bearer_token": "new"}, "give headers.X-Key anew"),
        ({"url": "https://93.184.216.35/in", "bearer_token": "new", "headers": {"X-Key": None}}, ""),
        (
            {"url": "https://93.184.216.35/in", "headers": None, "bearer_token": None},
            "",
        ),
        ({"url": "https://93.184.216.34/elsewhere"}, ""),
        ({"timeout_s": 1}, ""),
    ],
)
def test_credentials_do_not_follow_a_url_to_another_host(
    api: Api, changes: dict[str, Any], told: str
) -> None:
    """Or whoever may change a webhook could read them there."""
    api("POST", "", {**NEW, **CREDENTIALS})
    status, answer = api("PATCH", "/crm", changes)
    assert status == (400 if told else 200)
    if told:
        assert told in answer["errors"]["url"][0]
    assert (Webhook.objects.get().url == changes.get("url", URL)) is not bool(told)


def test_a_project_without_time_zones(root: User, settings: Settings, log: MemoryLog) -> None:
    """Moments are what that project has everywhere; keys stop when they should."""
    settings.USE_TZ = False
    api = Api(root)
    assert api("POST", "", NEW)[0] == 201
    assert api("POST", "/crm/rotate", {"overlap_s": 3_600})[0] == 200
    assert len(api("GET", "/crm")[1]["secret"]) == 2
    assert api("POST", "/crm/rotate", {"overlap_s": 0})[0] == 200
    assert len(api("GET", "/crm")[1]["secret"]) == 1
    assert api("DELETE", "/crm")[0] == 204


@pytest.mark.urls("tests.django.webhooks.elsewhere")
def test_a_project_has_the_api_where_it_wants(root: User) -> None:
    api = Api(root)
    response = api.client.post("/hooks/webhooks", json.dumps(NEW), "application/json")
    assert (response.status_code, response.headers["Location"]) == (201, "/hooks/webhooks/crm")
    assert api.client.get("/hooks/webhooks/crm").status_code == 200
