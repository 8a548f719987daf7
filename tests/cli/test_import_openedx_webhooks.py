"""`trackside import-openedx-webhooks`, as a project's `manage.py` runs it and alone."""

import json

import pytest
from django.core.management import CommandError, call_command

from tests.cli.conftest import Place
from tests.openedx.host.old_tables import OldTables
from tests.openedx.importing.conftest import old
from trackside.django.webfilters.models import Webfilter
from trackside.django.webhooks.models import Webhook

__all__ = ["old"]

URL = "https://me:secret@192.0.2.7/in?token=secret"
"""An address, so that no name is looked up; one of those that no policy lets through."""


def run(*arguments: str) -> None:
    """Run it."""
    call_command("trackside", "import-openedx-webhooks", *arguments)


def test_what_people_read(old: OldTables, capsys: pytest.CaptureFixture[str]) -> None:
    """Row by row what will be made and what will be different; what may be a key in a URL is not shown."""
    old.webhook(12, "COURSE_CREATED", URL)
    old.webfilter(3, "StudentLoginRequested", "http://192.0.2.7/ask", use_www_form_encoding=True)
    old.webfilter(4, "Nothing\x1b[31m")
    run()
    told = capsys.readouterr().out
    assert "Webhooks: 1\n  - The platform waits for no receiver" in told
    assert (
        "  12: COURSE_CREATED, https://192.0.2.7/in\n    openedx-webhooks-webhook-12 will be made, not enabled"
        in told
    )
    assert "events = org.openedx.content_authoring.course.created.v1\n      format = openedx\n" in told
    assert "    - No filter is called" in told
    assert "secret" not in told.replace("rotate the secret", "")
    assert "\x1b" not in told
    assert told.endswith(
        "2 to make, 0 here already, 0 with other settings, 1 that cannot be imported; nothing is changed,"
        " --apply does it\n"
    )
    assert not Webhook.all_rows.exists()


@pytest.mark.parametrize("arguments", [(), ("--json",)])
@pytest.mark.parametrize(
    "url",
    [
        "https://me:secret@8.8.8.8/in?token=secret",
        "ftp://me:secret@8.8.8.8/in?token=secret",
        "http://[?secret",
    ],
)
def test_no_secret_is_told(
    old: OldTables, capsys: pytest.CaptureFixture[str], url: str, arguments: tuple[str, ...]
) -> None:
    """Neither to people nor to programs: of an address that cannot be used, and of one that is another here."""
    old.webhook(12, "COURSE_CREATED", url)
    old.webfilter(3, "StudentLoginRequested", url)
    run("--apply", *arguments)
    for model in (Webhook.all_rows, Webfilter.objects):
        model.update(url="https://8.8.8.8/in?token=secret-here")
    run(*arguments)
    told = capsys.readouterr().out
    assert "secret" not in told.replace("rotate the secret", "")


def test_applied(old: OldTables, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what it did, and what goes on there; a second time nothing is to be done."""
    old.webhook(12, "COURSE_CREATED", "https://8.8.8.8/in")
    run("--apply")
    told = capsys.readouterr().out
    assert "openedx-webhooks-webhook-12 is made, enabled" in told
    assert told.endswith(
        "1 made, 0 updated, 0 not imported\n"
        "openedx-webhooks goes on to send what it sent: --disable-old ends that, or take it out\n"
    )
    row = Webhook.objects.get()
    assert row.created_by.endswith("(command line)")
    row.method = "PUT"
    row.format = "json"
    row.save()
    run("--apply", "--disable-old")
    told = capsys.readouterr().out
    assert "format is 'json' here, 'openedx' there" in told
    assert told.endswith(
        "0 made, 0 updated, 0 not imported\n1 disabled in openedx-webhooks\n"
        "what has other settings here stays as it is: --update takes the old ones\n"
    )
    run("--apply", "--update")
    assert capsys.readouterr().out.endswith("0 made, 1 updated, 0 not imported\n")
    row = Webhook.objects.get()
    assert (row.format, row.method) == ("openedx", "PUT")


def test_for_programs(old: OldTables, capsys: pytest.CaptureFixture[str]) -> None:
    """One object; the settings of a row are what `webhooks add --from` takes."""
    old.webhook(12, "COURSE_CREATED", "https://8.8.8.8/in")
    old.webfilter(3, "StudentLoginRequested", "https://8.8.8.8/ask")
    run("--json", "--apply")
    shown = json.loads(capsys.readouterr().out)
    assert (shown["applied"], shown["made"], Webfilter.objects.count()) == (True, 2, 1)
    assert shown["rows"][0] == {
        "kind": "webhook",
        "id": 12,
        "event": "COURSE_CREATED",
        "was_enabled": True,
        "name": "openedx-webhooks-webhook-12",
        "outcome": "new",
        "enabled": True,
        "settings": {
            "url": "https://8.8.8.8/in",
            "events": ["org.openedx.content_authoring.course.created.v1"],
            "format": "openedx",
            "enabled": True,
        },
        "here": {},
        "notes": [],
    }
    assert {note["code"] for note in shown["of_webfilters"]} >= {"changes", "sent"}


def test_without_rows(old: OldTables, capsys: pytest.CaptureFixture[str]) -> None:
    """Empty tables are no error."""
    run("--apply")
    assert capsys.readouterr().out == "openedx-webhooks has no rows: there is nothing to import\n"


def test_without_tables(db: None) -> None:
    """It says where to run it."""
    with pytest.raises(CommandError, match=r"no table openedx_webhooks_webhook .*manage\.py lms trackside"):
        run()


def test_without_a_project(place: Place) -> None:
    """A server's own database has no such tables: it says where they are, and opens nothing."""
    result = place.run("import-openedx-webhooks")
    assert result.exit_code == 1
    assert "run this there: ./manage.py lms trackside import-openedx-webhooks" in result.stderr
