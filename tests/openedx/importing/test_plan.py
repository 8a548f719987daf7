"""What becomes of rows of openedx-webhooks, and what is said of it."""

from collections.abc import Sequence
from typing import Any

import pytest
from pytest_django import Settings as DjangoSettings

from tests.django.outbox.databases import ALIAS
from tests.openedx.host.old_tables import OldTables
from tests.openedx.host.points import LOGIN, REGISTRATION
from trackside.django.secret_rows.refusals import NotReachable
from trackside.django.webfilters.models import Webfilter
from trackside.django.webhooks.models import Webhook
from trackside.errors import ConfigurationError
from trackside.openedx.importing import Plan, Planned, apply, make_plan
from trackside.openedx.importing.tables import WEBFILTERS, WEBHOOKS, NoOldTables, OldRow
from trackside.webfilters.points import withdraw

SWITCHES: dict[str, Any] = dict.fromkeys(
    ("disable_filtering", "halt_on_4xx", "halt_on_5xx", "halt_on_request_exception"), True
)


def nowhere(host: str) -> Sequence[str]:
    """Resolve nothing."""
    raise OSError


def plan(alias: str = "default") -> Plan:
    """Return the plan, without a look at the network."""
    return make_plan(alias, lookup=nowhere)


def only() -> Planned:
    """Return what becomes of the only row."""
    (found,) = plan().rows
    return found


def codes(planned: Planned) -> list[str]:
    """Return what is said of a row."""
    return [note.code for note in planned.notes]


def test_webhooks(old: OldTables) -> None:
    """A row sends what it sent, under a name that says where it is from; nothing is written before `apply`."""
    old.webhook(12, "COURSE_ENROLLMENT_CREATED", "https://crm.example.org/in?token=t")
    old.webhook(14, "ROLE_ASSIGNMENT_CREATED", enabled=False)
    first, second = plan().rows
    assert not Webhook.all_rows.exists()
    assert (first.name, first.outcome, codes(first)) == ("openedx-webhooks-webhook-12", "new", [])
    assert first.settings == {
        "url": "https://crm.example.org/in?token=t",
        "events": ["org.openedx.learning.course.enrollment.created.v1"],
        "format": "openedx",
        "enabled": True,
    }
    assert (second.settings["events"], second.works_here) == (
        ["org.openedx.authz.role_assignment.created"],
        False,
    )
    assert codes(second) == ["disabled"]
    assert apply(plan(), by="me").made == 2
    row = Webhook.objects.get(name=first.name)
    assert (row.url, row.enabled, row.start, row.created_by) == (first.settings["url"], True, "latest", "me")
    assert row.secrets.live_keys is not None
    assert not row.secrets.signing
    row.full_clean()


def test_webfilters(old: OldTables) -> None:
    """Every switch keeps its meaning, the order is that of the keys, the receiver reads the name it knows."""
    old.webfilter(
        3,
        "StudentLoginRequested",
        description="who may come",
        **SWITCHES,
        redirect_on_4xx="https://lms.example.org/no",
        use_www_form_encoding=True,
    )
    old.webfilter(7, "StudentRegistrationRequested", disable_halt=True)
    first, second = plan().rows
    apply(plan(), by="me")
    row = Webfilter.objects.get(name="openedx-webhooks-webfilter-3")
    assert {name: getattr(row, name) for name in (*SWITCHES, "disable_halting", "form_encoding")} == {
        **SWITCHES,
        "disable_halting": False,
        "form_encoding": True,
    }
    assert (row.point, row.order, row.enabled, row.layout) == (LOGIN, 3, True, "openedx")
    assert (row.event_type, row.description) == ("StudentLoginRequested", "who may come")
    assert (row.redirect_on_4xx, row.redirect_on_5xx) == ("https://lms.example.org/no", "")
    assert (row.mode, row.kind, row.on_failure) == ("enforce", "changer", "fail_open")
    row.full_clean()
    assert (second.settings["point"], second.settings["disable_halting"]) == (REGISTRATION, True)
    assert codes(first) == ["form", "budget"]
    assert codes(second) == ["may_change", "budget"]
    assert second.notes[0].sentence == "Its answers may change form_data.name."


@pytest.mark.parametrize(
    ("stored", "named", "filter_type"),
    [
        ("StudentSettingsRenderStarted", "AccountSettingsRenderStarted", "student.settings.render.started"),
        ("XblockRenderStarted", "RenderXBlockStarted", "xblock.render.started"),
        (
            "CourseHomepageUrlCreationStarted",
            "CourseHomeUrlCreationStarted",
            "course.homepage.url.creation.started",
        ),
        ("HomeEnrollmentApiRendered", "CourseEnrollmentAPIRenderStarted", "home.enrollment.api.rendered"),
        (
            "HomeCourserunApiRenderedStarted",
            "CourseRunAPIRenderStarted",
            "home.courserun.api.rendered.started",
        ),
        (
            "OraSubmissionViewRenderStarted",
            "ORASubmissionViewRenderStarted",
            "ora.submission_view.render.started",
        ),
        ("IdvPageUrlRequested", "IDVPageURLRequested", "idv.page.url.requested"),
        ("CourseAboutPageUrlRequested", "CourseAboutPageURLRequested", "course_about.page.url.requested"),
        ("ScheduleQuerysetRequested", "ScheduleQuerySetRequested", "schedule.queryset.requested"),
        ("AuthoringLmsPageUrlRequested", "LMSPageURLRequested", "lms.page.url.requested"),
    ],
)
def test_names_under_which_nothing_fired(old: OldTables, stored: str, named: str, filter_type: str) -> None:
    """The ten old names mean their filters; such a row never fired, so it is not enabled here, and says why."""
    old.webfilter(1, stored)
    old.webfilter(2, named)
    dead, live = plan().rows
    part = "content_authoring" if "Lms" in stored else "learning"
    assert dead.settings["point"] == live.settings["point"] == f"org.openedx.{part}.{filter_type}.v1"
    assert (dead.settings["enabled"], dead.settings["event_type"]) == (False, named)
    assert "never_fired" in codes(dead)
    assert "never_fired" not in codes(live)
    assert live.settings["event_type"] == named


@pytest.mark.parametrize("table", ["webhook", "webfilter"])
def test_events_nobody_knows(old: OldTables, table: str) -> None:
    """They are told and left; the others are imported."""
    getattr(old, table)(1, "SOMETHING_NEW")
    old.webhook(2, "COURSE_CREATED")
    found = {each.old.id: each for each in plan().rows}
    assert (found[1].outcome, codes(found[1]), found[1].row) == ("impossible", ["unknown"], None)
    done = apply(plan(), by="me", disable_old=True)
    assert (done.made, done.disabled_there) == (1, 1)


@pytest.mark.parametrize("table", ["webhook", "webfilter"])
@pytest.mark.parametrize(
    "url",
    ["http://10.1.2.3/in", "http://localhost/in", "https://private.example.org/in"],
)
def test_urls_that_may_not_be_asked(old: OldTables, table: str, url: str) -> None:
    """Such a row is here, not enabled, with the remedy; there it goes on, whatever is asked for."""
    event = "COURSE_CREATED" if table == "webhook" else "StudentLoginRequested"
    getattr(old, table)(1, event, url)
    found = make_plan("default", lookup=lambda host: ["10.1.2.3"])
    (planned,) = found.rows
    assert (planned.outcome, planned.works_here) == ("new", False)
    assert "url" in codes(planned)
    (told,) = [note.sentence for note in planned.notes if note.code == "url"]
    assert told.startswith("url ")
    assert "TRACKSIDE['webhooks']" in told
    assert apply(found, by="me", disable_old=True).disabled_there == 0
    row = (Webhook.objects if table == "webhook" else Webfilter.objects).get()
    assert (row.url, row.enabled) == (url, False)
    assert old.enabled(WEBHOOKS if table == "webhook" else WEBFILTERS) == {1: True}


@pytest.mark.parametrize(
    ("table", "event"), [("webhook", "COURSE_CREATED"), ("webfilter", "StudentLoginRequested")]
)
def test_urls_that_are_none(old: OldTables, table: str, event: str) -> None:
    """The admin there took ftp, with which nothing was ever sent: it is not imported."""
    getattr(old, table)(1, event, "ftp://crm.example.org/in")
    assert (only().outcome, codes(only())) == ("impossible", ["unusable"])
    assert apply(plan(), by="me", disable_old=True).disabled_there == 0


@pytest.mark.parametrize("table", ["webhook", "webfilter"])
def test_a_url_with_a_password(old: OldTables, table: str) -> None:
    """It was sent as Basic credentials, and is; the password is a secret of the row."""
    event = "COURSE_CREATED" if table == "webhook" else "StudentLoginRequested"
    getattr(old, table)(1, event, "https://me:p%40ss@crm.example.org:8443/in?a=b")
    assert apply(plan(), by="me").made == 1
    row = (Webhook.objects if table == "webhook" else Webfilter.objects).get()
    assert (row.url, row.enabled) == ("https://crm.example.org:8443/in?a=b", True)
    assert (row.basic_username, row.secrets.basic_password) == ("me", "p@ss")
    assert only().outcome == "same"
    old.execute(f"UPDATE openedx_webhooks_{table} SET webhook_url = 'https://you:other@b.example.org/'")
    assert apply(plan(), by="me", update=True).updated == 1
    row.refresh_from_db()
    assert (row.url, row.basic_username) == ("https://b.example.org/", "you")
    assert row.secrets.basic_password == "other"


def test_what_the_point_cannot_do(old: OldTables) -> None:
    """A redirect that no halt of the point takes was ignored there; it is left out, and told."""
    old.webfilter(
        1, "StudentRegistrationRequested", halt_on_4xx=True, redirect_on_4xx="https://x.example.org/"
    )
    planned = only()
    assert (planned.settings["halt_on_4xx"], planned.settings["redirect_on_4xx"]) == (True, "")
    assert (planned.works_here, "cannot_redirect" in codes(planned)) == (True, True)


def test_a_point_nobody_declares(old: OldTables) -> None:
    """It is imported not enabled."""
    old.webfilter(1, "GradeEventContextRequested", halt_on_4xx=True)
    assert (only().works_here, codes(only())[0]) == (False, "no_point")


def test_several_for_one_filter(old: OldTables, settings: DjangoSettings) -> None:
    """It says how to keep that all see the data as it was, until the point's rules say so."""
    for id_ in (1, 2):
        old.webfilter(id_, "StudentLoginRequested")
    old.webfilter(3, "StudentRegistrationRequested")
    assert [("chained" in codes(each)) for each in plan().rows] == [True, True, False]
    settings.TRACKSIDE = {"webfilters": {"points": {LOGIN: {"chained": False, "budget_s": 10}}}}
    assert [codes(each) for each in plan().rows[:2]] == [["may_change"], ["may_change"]]


def test_a_second_import(old: OldTables) -> None:
    """Finds its rows; changes them only when asked, never whether they are enabled, and never takes a deleted name."""
    old.webhook(1, "COURSE_CREATED")
    old.webhook(2, "COURSE_CREATED")
    old.webfilter(1, "StudentLoginRequested")
    apply(plan(), by="me")
    Webhook.objects.get(name="openedx-webhooks-webhook-2").delete()
    old.execute(f"UPDATE {WEBHOOKS} SET enabled = %s, webhook_url = 'https://b.example.org/'", [False])
    old.execute(f"UPDATE {WEBFILTERS} SET halt_on_5xx = %s", [True])
    first, deleted, webfilter = plan().rows
    assert (first.outcome, first.changed) == ("different", {"url": "https://crm.example.org/in"})
    assert (deleted.outcome, codes(deleted)) == ("impossible", ["deleted"])
    assert webfilter.changed == {"halt_on_5xx": False}
    assert (apply(plan(), by="me").made, plan().rows[0].outcome) == (0, "different")
    assert apply(plan(), by="you", update=True).updated == 2
    row = Webhook.objects.get()
    assert (row.url, row.enabled, row.updated_by) == ("https://b.example.org/", True, "you")
    assert [each.outcome for each in plan().rows] == ["same", "impossible", "same"]


@pytest.mark.parametrize("mode", ["shadow", "off"])
def test_one_that_only_watches_here_goes_on_there(old: OldTables, mode: str) -> None:
    """Whoever compares both first must not lose the one that counts."""
    old.webfilter(3, "StudentLoginRequested")
    apply(plan(), by="me")
    Webfilter.objects.update(mode=mode)
    assert apply(plan(), by="me", disable_old=True).disabled_there == 0
    assert old.enabled(WEBFILTERS) == {3: True}
    Webfilter.objects.update(mode="enforce")
    assert apply(plan(), by="me", disable_old=True).disabled_there == 1


@pytest.mark.parametrize("why", ["no rows", "no point"])
def test_one_that_nobody_asks_here_goes_on_there(old: OldTables, settings: DjangoSettings, why: str) -> None:
    """Else a gate would be open because a row is enabled."""
    old.webfilter(3, "StudentLoginRequested")
    apply(plan(), by="me")
    if why == "no rows":
        settings.TRACKSIDE = {"webfilters": {"rows": False}}
    else:
        withdraw(LOGIN)
    assert apply(plan(), by="me", disable_old=True).disabled_there == 0
    assert old.enabled(WEBFILTERS) == {3: True}


@pytest.mark.parametrize("values", [{"event": None}, {"url": None}])
def test_rows_with_nothing_in_them(old: OldTables, values: dict[str, Any]) -> None:
    """They cost themselves only."""
    old.webhook(12, **{"event": "COURSE_CREATED", **values})
    old.webhook(13, "COURSE_CREATED")
    assert [each.outcome for each in plan().rows] == ["impossible", "new"]
    assert apply(plan(), by="me").made == 1


def test_an_update_that_cannot_be(old: OldTables) -> None:
    """A URL that may not be asked changes nothing here, and the rest is done."""
    old.webhook(1, "COURSE_CREATED")
    old.webfilter(1, "StudentLoginRequested")
    apply(plan(), by="me")
    old.execute(f"UPDATE {WEBHOOKS} SET webhook_url = 'http://10.1.2.3/'")
    old.execute(f"UPDATE {WEBFILTERS} SET halt_on_5xx = %s", [True])
    made = plan()
    assert apply(made, by="me", update=True).updated == 1
    assert codes(made.rows[0])[-1] == "not_updated"
    assert Webhook.objects.get().url == "https://crm.example.org/in"


def test_all_or_nothing(old: OldTables) -> None:
    """Where one row cannot be written, none is, and nothing is disabled there."""
    old.webhook(1, "COURSE_CREATED")
    old.webfilter(1, "StudentLoginRequested")
    made = plan()
    row = made.rows[1].row
    assert row is not None
    row.name = ""
    row.url = None  # type: ignore[assignment]  # what no database takes
    with pytest.raises(Exception, match=r"NOT NULL|null"):
        apply(made, by="me", disable_old=True)
    assert not Webhook.all_rows.exists()
    assert old.enabled(WEBHOOKS) == {1: True}


@pytest.mark.parametrize(("release", "format_"), [("18.0.1", "openedx"), ("21.0.1", "openedx_form")])
def test_forms_of_the_installed_release(
    old: OldTables, monkeypatch: pytest.MonkeyPatch, release: str, format_: str
) -> None:
    """Before 21 the switch did nothing: receivers got JSON."""
    monkeypatch.setattr("trackside.openedx.importing.tables.version", lambda name: release)
    old.webhook(1, "COURSE_CREATED", use_www_form_encoding=True)
    old.webfilter(1, "StudentLoginRequested", use_www_form_encoding=True)
    webhook, webfilter = plan().rows
    assert webhook.settings["format"] == format_
    assert webfilter.settings["form_encoding"] is (format_ == "openedx_form")
    assert ("json" in codes(webhook)) == ("json" in codes(webfilter)) == (format_ == "openedx")


def test_tables_of_other_versions(db: None) -> None:
    """A table that is not there has no rows; a column that is not there has what rows would have."""
    made = OldTables("default")
    made.execute(
        f"CREATE TABLE {WEBHOOKS} (id INTEGER, event VARCHAR(50), webhook_url VARCHAR(255), more TEXT)"
    )
    made.execute(f"INSERT INTO {WEBHOOKS} VALUES (1, 'COURSE_CREATED', 'https://a.example.org/', 'x')")
    (planned,) = plan().rows
    assert planned.old == OldRow(id=1, event="COURSE_CREATED", webhook_url="https://a.example.org/")
    assert planned.works_here


def test_nothing_to_import_from(db: None) -> None:
    """It says which tables are missing, in which database, and what to do."""
    with pytest.raises(NoOldTables, match=r"'default' has no table openedx_webhooks_webhook .*--database"):
        plan()
    with pytest.raises(NoOldTables, match="DATABASES has no 'elsewhere'"):
        plan("elsewhere")


def test_nothing_to_import_into(old: OldTables, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of ours that are not migrated, and secrets that could not be kept, are told before anything is read."""
    monkeypatch.setattr(Webfilter._meta, "db_table", "trackside_of_an_old_release")
    with pytest.raises(ConfigurationError, match=r"manage\.py migrate trackside"):
        plan()
    monkeypatch.setattr("trackside.django.secret_rows.encryption.is_available", lambda: False)
    with pytest.raises(NotReachable, match="cryptography"):
        plan()


def test_on_every_database(old_of_each_kind: tuple[OldTables, str]) -> None:
    """Truths are truths, and a name in other letters fired where the database ignores case."""
    old, vendor = old_of_each_kind
    old.webhook(1, "COURSE_CREATED")
    old.webfilter(1, "StudentLoginRequested", disable_halt=True, halt_on_4xx=True)
    old.webfilter(2, "IdvPageUrlRequested")
    old.webfilter(3, "XblockRenderStarted")
    made = plan(ALIAS)
    settings: list[dict[str, Any]] = [each.settings for each in made.rows]
    assert (settings[1]["disable_halting"], settings[1]["halt_on_4xx"]) == (True, True)
    assert settings[1]["halt_on_5xx"] is False
    fired = ["never_fired" not in codes(each) for each in made.rows[2:]]
    assert fired == [vendor == "mysql", False]
    assert settings[2]["event_type"] == (
        "IdvPageUrlRequested" if vendor == "mysql" else "IDVPageURLRequested"
    )
    done = apply(made, by="me", disable_old=True)
    assert (done.made, done.disabled_there) == (4, 1)
    assert old.enabled(WEBHOOKS) == {1: False}
    assert [each.outcome for each in plan(ALIAS).rows] == ["same"] * 4
