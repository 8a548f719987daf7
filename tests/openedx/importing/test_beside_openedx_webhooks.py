"""A database of the real openedx-webhooks imported by a platform, and what both send for the same rows.

Its migrations 0001 to 0007 are the same files in 18.0.1, 21.0.1 and 22.0.0; 22.0.0 adds one that renames filters.
"""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest

from tests.destinations.webhook.receiver import Received, Receiver
from tests.openedx.conftest import HERE, ROOT, TIMEOUT_S, Host
from tests.openedx.host import points
from tests.openedx.host.webhooks_there import ACCOUNT, FORM
from tests.peers import interpreter_with
from trackside.destinations.webhook import WebhookSettings
from trackside.destinations.webhook.bodies import Bodies
from trackside.event import Event
from trackside.openedx.importing.names import OLD_NAMES, filter_named, signal_type
from trackside.webfilters import POINTS, Hook
from trackside.webfilters.points import withdraw
from trackside.webfilters.prepared import Prepared
from trackside.webfilters.snapshot import snapshot

HAS_22 = sys.version_info >= (3, 12)
"""22.0.0 is for Python 3.12 and newer; else it is 21.0.1."""
SIGNALS = ("COURSE_ENROLLMENT_CREATED", "STUDENT_REGISTRATION_COMPLETED")
FILTERS = ("StudentLoginRequested", "StudentRegistrationRequested")
IMPORT = """
from tests.openedx.host import points; points.declare()
from django.core.management import call_command
call_command("migrate", verbosity=0)
def run(*arguments): call_command("trackside", "import-openedx-webhooks", *arguments)
"""
SEND = """
from tests.openedx.generated import arguments
from tests.openedx.host.webhooks_there import signals
from trackside.openedx.tracker import signal_tracker
for signal in signals(): signal.send_event(**arguments(signal))
for backend in signal_tracker().backends.values(): assert backend.flush(20)
"""


@pytest.fixture(scope="module")
def there() -> Path:
    """The interpreter that has openedx-webhooks."""
    return interpreter_with(
        HERE / "openedx-webhooks.txt", "installing openedx-webhooks", cache="trackside-openedx"
    )


def make(python: Path, **asked: Any) -> tuple[list[str], list[str]]:
    """Let openedx-webhooks make its database, and return the events that its webhooks and webfilters can have."""
    finished = subprocess.run(
        [str(python), "-m", "tests.openedx.host.webhooks_there"],
        cwd=ROOT,
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    webhooks, webfilters = json.loads(finished.stdout)
    return webhooks, webfilters


@dataclass(frozen=True)
class Moved:
    """What openedx-webhooks sent, and what an import made of its rows."""

    sent: dict[str, Received]
    """By the path of the row's URL."""
    host: Host
    choices: tuple[list[str], list[str]]
    dry: dict[str, Any]
    first: dict[str, Any]
    second: dict[str, Any]
    after: dict[str, Any]

    def settings(self, path: str) -> Any:
        """Return the settings of the row whose URL has that path."""
        (found,) = [each["settings"] for each in self.first["rows"] if each["settings"]["url"].endswith(path)]
        return found


@pytest.fixture(scope="module")
def moved(
    there: Path, platform_python: Path, installed: Path, tmp_path_factory: pytest.TempPathFactory
) -> Moved:
    """Rows of two signals and two filters, as JSON and as forms, sent there, then imported."""
    folder = tmp_path_factory.mktemp("host")
    with Receiver() as receiver:
        base = f"http://127.0.0.1:{receiver.port}"
        rows = {
            kind: [
                {"event": event, "webhook_url": f"{base}/{event}/{form}", "use_www_form_encoding": form}
                for event in events
                for form in (False, True)
            ]
            for kind, events in (("webhooks", SIGNALS), ("webfilters", FILTERS))
        }
        database = str(folder / "platform.sqlite3")
        choices = make(there, database=database, old=not HAS_22, send=True, **rows)
    host = Host(platform_python, installed, folder).but(
        database={"ENGINE": "django.db.backends.sqlite3", "NAME": database},
        yaml={"TRACKSIDE": {"webhooks": {"allow_private_networks": True}}},
    )
    printed = host.run(
        code=IMPORT
        + "for more in ((), ('--apply',), ('--apply', '--disable-old'), ('--update',)):\n"
        + "    run('--json', *more); print('\\0')\n"
        + SEND
    )
    return Moved(
        {request.path: request for request in receiver.requests},
        host,
        choices,
        *(json.loads(text) for text in printed.split("\0\n") if text),
    )


def test_an_import_of_all(moved: Moved) -> None:
    """Nothing is written without --apply; a second run makes nothing; --disable-old ends there what is here."""
    assert [each["outcome"] for each in moved.dry["rows"]] == ["new"] * 8
    assert (moved.dry["applied"], moved.first["applied"], moved.first["made"]) == (False, True, 8)
    assert [each["outcome"] for each in moved.second["rows"]] == ["same"] * 8
    assert (moved.second["made"], moved.second["disabled_there"]) == (0, 8)
    assert [(each["was_enabled"], each["enabled"], each["outcome"]) for each in moved.after["rows"]] == [
        (False, True, "same")
    ] * 8


def test_every_choice_is_known(moved: Moved) -> None:
    """What could be chosen in its admin has a type here, also where nothing of the platform is installed."""
    webhooks, webfilters = moved.choices
    assert (len(webhooks), len(webfilters)) == ((66, 27) if HAS_22 else (64, 24))
    assert {name: signal_type(name) for name in webhooks if signal_type(name) is None} == {}
    assert {name: filter_named(name) for name in webfilters if filter_named(name) is None} == {}
    assert len({known.type for name in webfilters if (known := filter_named(name))}) == len(webfilters)


@pytest.mark.skipif(not HAS_22, reason="22.0.0 is for Python 3.12 and newer")
def test_a_database_before_and_after_22(there: Path, tmp_path: Path) -> None:
    """22 gives rows of the ten old names new ones, the same that are meant here."""
    shown = []
    for old in (True, False):
        rows = [{"event": name, "webhook_url": "https://crm.example.org/"} for name in OLD_NAMES]
        database = str(tmp_path / f"{old}.sqlite3")
        make(there, database=database, old=old, send=False, webhooks=[], webfilters=rows)
        with closing(sqlite3.connect(database)) as connection:
            shown.append(
                connection.execute("SELECT event FROM openedx_webhooks_webfilter ORDER BY id").fetchall()
            )
    assert [name for (name,) in shown[0]] == list(OLD_NAMES)
    assert [name for (name,) in shown[1]] == list(OLD_NAMES.values())


@pytest.mark.parametrize("form", [False, True])
@pytest.mark.parametrize("signal", SIGNALS)
def test_webhooks_send_the_same(moved: Moved, signal: str, *, form: bool) -> None:
    """But for the id, the time, and Python's brackets around the version, which 21.0.1 has round."""
    path = f"/{signal}/{form}"
    settings = msgspec.convert(moved.settings(path), WebhookSettings)
    (event,) = [each for each in moved.host.events() if each.name == settings.events[0]]
    assert isinstance(event, Event)
    ours = Bodies(settings).make(event)
    assert ours is not None
    request = moved.sent[path]
    assert ours.content_type == request.headers["content-type"]
    here, known = (decoded(content, form=form) for content in (ours.content, request.body))
    assert list(here) == list(known)
    for name in ("id", "time"):
        assert len(take(here, name, form=form)) == len(take(known, name, form=form))
    if form:
        known["event_metadata_sourcelib"] = known["event_metadata_sourcelib"].translate(
            str.maketrans("()", "[]")
        )
    assert here == known


@pytest.mark.parametrize("form", [False, True])
@pytest.mark.parametrize("event", FILTERS)
def test_webfilters_send_the_same(moved: Moved, event: str, *, form: bool) -> None:
    """But for the time, which 21.0.1 tells without a zone, and the hash of the password, which it sends."""
    path = f"/{event}/{form}"
    hook = Hook(name="h", **{**moved.settings(path), "kind": "changer"})
    ours = asked(hook, form=form)
    request = moved.sent[path]
    here, known = (decoded(content, form=form) for content in (ours[1], request.body))
    moment = take(here, "time", form=form)
    assert moment == "2026-11-20T12:00:00.500000+00:00"
    assert len(take(known, "time", form=form)) == len(moment) - (0 if HAS_22 else len("+00:00"))
    if not HAS_22:
        (known if form else known.get("user", {})).pop("user_password" if form else "password", None)
    assert here == known
    headers = {name.lower(): value for name, value in ours[0]}
    for name in ("accept", "content-type"):
        assert headers[name] == request.headers[name]


def asked(hook: Hook, *, form: bool) -> tuple[Any, bytes]:
    """Return the headers and the body of a question about what openedx-webhooks was given."""
    user = {"last_login": None, "is_superuser": False, "last_name": "", "is_staff": False, "is_active": True}
    data: dict[str, dict[str, Any]] = {
        points.LOGIN: {"user": {**ACCOUNT, **user}, "profile": {"id": 2, "name": "Zoë"}},
        points.REGISTRATION: {"form_data": FORM},
    }
    before = dict(POINTS)
    points.declare()
    try:
        point = POINTS[hook.point]
        request = Prepared(hook, point).request(
            snapshot(point, data[point.name]),
            "an-id",
            at=datetime(2026, 11, 20, 12, 0, 0, 500_000, UTC).isoformat(),
            at_s=1_795_176_000,
            timeout_s=1,
        )
    finally:
        for name in POINTS.keys() - before.keys():
            withdraw(name)
    assert request.body is not None
    return request.headers, request.body


def decoded(content: bytes, *, form: bool) -> dict[str, Any]:
    """Return a body as its receiver reads it."""
    if not form:
        found: dict[str, Any] = json.loads(content)
        return found
    pairs = parse_qsl(content.decode(), keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def take(body: dict[str, Any], name: str, *, form: bool) -> str:
    """Return what the metadata says, and take it out."""
    where, key = (body, f"event_metadata_{name}") if form else (body["event_metadata"], name)
    return str(where.pop(key))
