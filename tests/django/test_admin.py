"""The admin's page of the tracker."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from trackside.backends.log import LogBackend
from trackside.django.state.report import state_report
from trackside.processors.whitelist import NameWhitelistProcessor
from trackside.routing import RoutingBackend
from trackside.tracker import TRACKERS, Tracker, emit

pytestmark = pytest.mark.django_db


@pytest.fixture
def tracker(tmp_path: Path) -> Iterator[Tracker]:
    before = dict(TRACKERS)
    backend = LogBackend(tmp_path)
    inner = RoutingBackend({"log": backend}, [NameWhitelistProcessor(["seen", "<b>"])])
    TRACKERS["default"] = Tracker({"inner": inner})
    yield TRACKERS["default"]
    backend.log.close()
    TRACKERS.clear()
    TRACKERS.update(before)


def page(user: User) -> tuple[int, str]:
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    response = client.get(reverse("admin:trackside_trackerstate_changelist"))
    return response.status_code, response.content.decode()


def test_it_shows_the_tracker_and_the_newest_events(tracker: Tracker) -> None:
    emit("seen", {"long": "x" * 1_000})
    emit("unseen")
    emit("<b>", {"a": "<script>"}, durable=True)
    status, text = page(User.objects.create_superuser("root"))
    assert status == 200
    for part in ("trackside.routing.RoutingBackend", "NameWhitelistProcessor", "LogBackend"):
        assert part in text
    assert "unseen" not in text
    assert text.index("&lt;b&gt;") < text.index("seen")
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text
    assert "x" * 150 in text
    assert "x" * 250 not in text
    assert "trackside_emitted_dropped_total" in text
    assert "reason filtered" in text


def test_it_is_listed_and_cannot_be_changed(tracker: Tracker) -> None:
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create_superuser("root"))
    index = client.get("/admin/").content.decode()
    assert reverse("admin:trackside_trackerstate_changelist") in index
    assert "/admin/trackside/trackerstate/add/" not in index
    for path in ("add/", "1/change/", "1/delete/"):
        assert client.get(f"/admin/trackside/trackerstate/{path}").status_code == 404


def test_it_is_for_whoever_may_see_it(tracker: Tracker) -> None:
    somebody = User.objects.create_user("staff", is_staff=True)
    assert page(somebody)[0] == 403
    somebody.user_permissions.add(Permission.objects.get(codename="view_trackerstate"))
    assert page(somebody)[0] == 200


def test_a_log_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    before = TRACKERS.get("default")
    TRACKERS["default"] = Tracker({"log": LogBackend(tmp_path / "data")})
    try:
        report = state_report()
    finally:
        del TRACKERS["default"]
        if before is not None:
            TRACKERS["default"] = before
    assert report.events == []
    assert report.log_problem


def test_a_site_without_a_tracker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trackside.django.state.report.TRACKERS", {})
    assert "events go nowhere" in page(User.objects.create_superuser("root"))[1]


@pytest.mark.parametrize("managers", [(), ("--all",)])
def test_a_dump_of_the_project(managers: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Rows of all models, of which the page's has none and no table, can be dumped."""
    User.objects.create_user("zoe")
    call_command("dumpdata", *managers)
    assert "auth.user" in {row["model"] for row in json.loads(capsys.readouterr().out)}
