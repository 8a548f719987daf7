"""`trackside webhooks` and `trackside tokens`, in a Django project and on a server's data directory."""

import json
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from django.contrib.auth.models import User

from tests.cli.conftest import event
from trackside import hub
from trackside.cli.group import group_of
from trackside.config.first_start import first_start
from trackside.config.toml_file import TomlFile
from trackside.django import verbs
from trackside.django.webhooks.actions import give_up
from trackside.django.webhooks.models import ApiToken, Webhook, readable
from trackside.event import Batch
from trackside.log.base import Log, append_and_wait
from trackside.outbound.signing import new_secret

URL = "https://93.184.216.34/in"
DECLARED: dict[str, Any] = {
    "kind": "webhook",
    "url": "http://127.0.0.1:1029/",
    "allow_private_networks": True,
}


class Project:
    """A Django project whose settings declare one webhook, and its `manage.py trackside`."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        table = {"data_dir": str(data_dir), "destinations": {"declared": DECLARED}}
        self.file = TomlFile(path=Path("settings.TRACKSIDE"), table=table, lines={})

    def run(self, *arguments: str, stdin: str = "") -> Result:
        """Run a verb."""
        group = group_of(verbs.available())
        return CliRunner().invoke(group, [*arguments], input=stdin, obj=self.file, catch_exceptions=False)

    def json(self, *arguments: str, stdin: str = "", code: int = 0) -> Any:
        """Return what a verb prints with --json, and ends with `code`."""
        result = self.run(*arguments, "--json", stdin=stdin)
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)


@pytest.fixture
def project(tmp_path: Path, db: None, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


@pytest.fixture
def log(project: Project) -> Iterator[Log]:
    """The log of the project, with a subscription of each webhook."""
    opened = hub.open_log(hub.load_config(instead=project.file).config)
    for name in ("crm", "declared"):
        opened.subscription(name)
    yield opened
    opened.close()


def test_a_webhook_s_life(project: Project) -> None:
    made = project.json("webhooks", "add", "crm", f"url={URL}", "events=page,edx.*", "timeout_s=3")
    assert made["events"] == ["page", "edx.*"]
    secret = made["new_secret"]
    assert secret not in project.run("webhooks", "show", "crm").output
    assert project.run("webhooks", "add", "crm", f"url={URL}", "events=page,edx.*", "timeout_s=3").output == (
        "crm is there already, as asked for\n"
    )
    changed = project.json("webhooks", "set", "crm", 'where={"context.course_id": "edX*"}', "timeout_s=4.5")
    assert (changed["where"], changed["timeout_s"]) == ({"context.course_id": "edX*"}, 4.5)
    rotated = project.json("webhooks", "rotate", "crm", "--overlap", "60")["new_secret"]
    assert project.json("webhooks", "show", "crm")["secret"] == [f"…{rotated[-4:]}", f"…{secret[-4:]}"]
    assert project.json("webhooks", "disable", "crm")["enabled"] is False
    assert project.json("webhooks", "enable", "crm")["enabled"] is True
    listed = project.run("webhooks", "list").output
    assert "declared" in listed
    assert URL in listed
    assert project.json("webhooks", "reencrypt") == {"encrypted": 1, "unreadable": []}
    assert project.run("webhooks", "delete", "crm").exit_code == 1
    assert project.run("webhooks", "delete", "crm", "--yes").output == "crm is deleted\n"
    assert not Webhook.objects.exists()
    assert Webhook.all_rows.get().updated_by.endswith("(command line)")


def test_secrets_come_from_the_standard_input(project: Project) -> None:
    secret = new_secret()
    given = json.dumps({"secret": secret, "headers": {"X-Key": "value"}})
    made = project.json("webhooks", "add", "crm", f"url={URL}", "--from", "-", stdin=given)
    assert "new_secret" not in made
    found = readable(Webhook.objects.get())
    assert found is not None
    assert (found.signing[0].key, found.headers) == (secret, {"X-Key": "value"})
    project.run("webhooks", "set", "crm", "secret=")
    found = readable(Webhook.objects.get())
    assert found is not None
    assert found.signing == ()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("add", "crm"), 2, "trackside: url is missing; want an http or https URL"),
        (("add", "a b", f"url={URL}"), 2, "trackside: name is no good name"),
        (("add", "x", f"url={URL}", "timeout_s=soon"), 2, "timeout_s is 'soon'; want 0.1 to 300 seconds"),
        (("add", "x", f"url={URL}", "headers=secret-value"), 2, "headers has a value that cannot be used"),
        (("add", "x", f"url={URL}", "nonsense"), 2, "'nonsense' is no SETTING=VALUE"),
        (("add", "x", "url=http://127.0.0.1/"), 2, "url must not be asked"),
        (("set", "crm"), 2, "want SETTING=VALUE, or --from"),
        (("show", "nobody"), 1, "trackside: there is no webhook 'nobody'"),
        (
            ("set", "declared", "timeout_s=1"),
            1,
            "declared is declared in the configuration file; change it there",
        ),
        (("rotate", "declared"), 1, "declared is declared in the configuration file"),
        (("delete", "declared", "--yes"), 1, "declared is declared in the configuration file"),
        (("disable", "declared"), 1, "declared is declared in the configuration file"),
        (("pause", "declared"), 1, "trackside: the log cannot be reached from here"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    project: Project, arguments: tuple[str, ...], code: int, told: str
) -> None:
    result = project.run("webhooks", *arguments)
    assert result.exit_code == code
    assert told in result.output
    assert "secret-value" not in result.output
    assert not Webhook.objects.exists()


def test_one_of_the_file_is_paused_and_tried_as_well(project: Project, log: Log) -> None:
    assert project.run("webhooks", "pause", "declared").output == "declared is paused\n"
    assert log.subscription("declared").state().paused
    assert project.json("webhooks", "resume", "declared")["origin"] == "file"
    tried = project.run("webhooks", "test", "declared")
    assert tried.exit_code == 1
    assert "declared: unreachable: " in tried.output


def test_status_knows_the_rows(project: Project, log: Log) -> None:
    """One that is there is no removed destination; a deleted one is."""
    log.subscription("erp")
    for name in ("crm", "erp"):
        project.run("webhooks", "add", name, f"url={URL}")
    project.run("webhooks", "delete", "erp", "--yes")
    project.run("webhooks", "disable", "crm")
    states = {name: each["state"] for name, each in project.json("status")["destinations"].items()}
    assert states == {"declared": "stopped", "crm": "disabled", "erp": "removed"}


def test_drain_all_and_a_dry_run_know_the_rows(project: Project, log: Log) -> None:
    """What waits for a row is waited for, and of a replay only what the row wants is counted."""
    project.run("webhooks", "add", "crm", f"url={URL}", "events=wanted")
    append_and_wait(log, Batch(events=[event(1, "wanted"), event(2, "other")]))
    drained = project.json("drain", "--all", "--timeout", "0", code=1)["destinations"]
    assert {name: each["pending"] for name, each in drained.items()} == {"declared": 2, "crm": 2}
    assert project.json("replay", "--destination", "crm", "--since", "1", "--dry-run")["events"] == 1


def test_one_whose_secrets_cannot_be_read_says_so(project: Project, settings: Any, log: Log) -> None:
    """It is sent nothing, so it does not run."""
    project.run("webhooks", "add", "crm", f"url={URL}")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another-" * 8, []
    assert project.json("webhooks", "show", "crm")["state"] == "disabled"
    assert "crm: its secrets cannot be read with the keys in use" in project.run("webhooks", "list").output


def test_doctor_looks_at_the_rows(project: Project, settings: Any, log: Log) -> None:
    """Each has one line: usable, given up and why, unreadable, or hidden by one of the file."""

    def told() -> dict[str, tuple[str, str]]:
        found = json.loads(project.run("doctor", "--json").stdout)["findings"]
        return {each["check"]: (each["level"], each["what"]) for each in found}

    for name in ("crm", "erp", "off", "plain"):
        project.run("webhooks", "add", name, f"url={URL}")
    project.run("webhooks", "set", "plain", "secret=")
    project.run("webhooks", "disable", "off")
    give_up("erp", "answered 410 Gone")
    Webhook.objects.create(name="declared", url=URL)
    found = told()
    assert found["crm"] == ("ok", "its url may be asked, its requests are signed")
    assert found["plain"] == ("warning", "its requests are not signed")
    assert found["off"] == ("ok", "is disabled")
    assert found["erp"] == ("warning", "was given up: answered 410 Gone")
    assert found["declared"] == ("error", "the database declares a webhook of the same name as the file")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another-" * 8, []
    level, what = told()["crm"]
    assert level == "error"
    assert "cannot be read" in what


def test_tokens(project: Project) -> None:
    User.objects.create_superuser("root")
    assert project.run("tokens", "create", "ci").exit_code == 2
    token = project.json("tokens", "create", "ci", "--user", "root")["token"]
    assert token.startswith("tsk_")
    listed = project.json("tokens", "list")["tokens"]
    assert [(each["name"], each["user"]) for each in listed] == [("ci", "root")]
    assert token not in project.run("tokens", "list").output
    assert "choose another name" in project.run("tokens", "create", "ci", "--user", "root").output
    assert "there is no such user" in project.run("tokens", "create", "x", "--user", "nobody").output
    assert project.run("tokens", "revoke", "ci").output == "ci is revoked\n"
    assert project.run("tokens", "revoke", "ci").exit_code == 1
    assert not ApiToken.objects.exists()


def test_manage_py_has_the_same_verbs(db: None, settings: Any, tmp_path: Path) -> None:
    from django.core.management import CommandError, call_command

    settings.TRACKSIDE = {"data_dir": str(tmp_path)}
    call_command("trackside", "webhooks", "add", "crm", f"url={URL}", stdout=StringIO())
    assert Webhook.objects.get().name == "crm"
    with pytest.raises(CommandError, match="there is no webhook 'nobody'"):
        call_command("trackside", "webhooks", "show", "nobody")


def trackside(data_dir: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    line = [sys.executable, "-m", "trackside", *arguments, "--data-dir", str(data_dir)]
    return subprocess.run(line, capture_output=True, text=True, timeout=120, check=False, cwd=data_dir.parent)


@pytest.mark.slow
def test_on_a_server_s_data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is made where it is not there yet; the administrator's permissions count for a token."""
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    data_dir = tmp_path / "data"
    refused = trackside(data_dir, "webhooks", "list")
    assert refused.returncode == 2
    assert "was not made by `trackside serve`" in refused.stderr
    first_start(data_dir, with_config=True)
    made = trackside(data_dir, "webhooks", "add", "crm", f"url={URL}", "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["new_secret"].startswith("whsec_")
    assert json.loads(trackside(data_dir, "webhooks", "show", "crm", "--json").stdout)["url"] == URL
    assert trackside(data_dir, "tokens", "create", "ci").stdout.startswith("token ci, shown this once: tsk_")
