"""Every signal that the installed openedx-events has, sent for real by a platform that loaded the plugin."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.destinations.webhook.receiver import Receiver
from tests.openedx.conftest import HERE, ROOT, Host
from tests.openedx.delivering import delivering, wait_until, webhook
from tests.peers import interpreter_with
from trackside.event import Event

NEWEST = sys.version_info >= (3, 12)
SIGNALS = 75 if NEWEST else 73
"""Of openedx-events 11.2.0 and 10.5.0."""


@pytest.fixture(scope="module")
def sent(
    platform_python: Path, installed: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Host, list[dict[str, Any]]]:
    """A platform that has sent all, and what it sent."""
    host = Host(platform_python, installed, tmp_path_factory.mktemp("host"))
    host.run("django", "migrate")
    return host, json.loads(host.run("tests.openedx.host.send_all"))


@pytest.fixture(scope="module")
def events(sent: tuple[Host, list[dict[str, Any]]]) -> dict[str, Event]:
    """The events of its log by id."""
    return {event.id: event for event in sent[0].events()}


def test_each_is_in_the_log(sent: tuple[Host, list[dict[str, Any]]], events: dict[str, Event]) -> None:
    """Under its own id and type, at its own time, with its arguments and its whole metadata."""
    assert len(sent[1]) == len(events) == SIGNALS
    for each in sent[1]:
        metadata = each["metadata"]
        event = events[metadata["id"]]
        assert event.name == metadata["event_type"]
        assert event.timestamp.isoformat() == metadata["time"]
        assert list(event.decoded_data()) == each["arguments"]
        assert event.decoded_extra() == {"origin": "tracker", "event_metadata": metadata}


def test_nothing_of_their_data_is_lost(events: dict[str, Event]) -> None:
    """But for open files, which are no data."""
    omitted = [event.name for event in events.values() if b"<omitted" in bytes(event.data)]
    assert omitted == [
        "org.openedx.content_authoring.course.certificate_config.changed.v1",
        "org.openedx.content_authoring.course.certificate_config.deleted.v1",
    ]


def test_each_says_whom_it_is_about(events: dict[str, Event]) -> None:
    """All that have a user do; those of content and of roles have none."""
    of_user = {event.name for event in events.values() if event.user_id}
    others = {event.name.split(".", 2)[2] for event in events.values()} - {
        n.split(".", 2)[2] for n in of_user
    }
    assert {name for name in others if not name.startswith(("content_authoring.", "authz."))} == {
        "analytics.tracking.event.emitted.v1",
        "enterprise.enterprise_group.deleted.v1",
        "learning.course.notification.requested.v1",
        "learning.discussions.configuration.changed.v1",
        "learning.ora.submission.created.v1",
        "learning.xblock.skill.verified.v1",
    }


def test_each_arrives_at_a_webhook(sent: tuple[Host, list[dict[str, Any]]], events: dict[str, Event]) -> None:
    """Once in our own form, once in that of openedx-webhooks, with data and metadata."""
    with Receiver() as ours, Receiver() as theirs:
        webhooks = {"ours": webhook(ours.url), "theirs": webhook(theirs.url, format="openedx")}
        with delivering(sent[0].data_dir, **webhooks):
            wait_until(lambda: len(ours.taken) >= SIGNALS and len(theirs.taken) >= SIGNALS)
    assert set(ours.taken) == set(theirs.taken) == set(events)
    for request in ours.requests:
        body = json.loads(request.body)
        assert body["data"] == events[request.id].decoded_data()
        assert body["extra"]["event_metadata"]["id"] == request.id
    keys = set()
    for request in theirs.requests:
        (key, _), (last, metadata) = json.loads(request.body).items()
        keys.add(key)
        assert last == "event_metadata"
        assert (metadata["id"], " " in metadata["time"]) == (request.id, True)
    assert all(key.startswith("openedx_events.") and ".data." in key for key in keys)


def test_count_beside_openedx_webhooks(
    sent: tuple[Host, list[dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    """The same signals, sent in an environment with openedx-webhooks: it delivers nine fewer."""
    python = interpreter_with(
        HERE / "openedx-webhooks.txt", "installing openedx-webhooks", cache="trackside-openedx"
    )
    finished = subprocess.run(
        [str(python), "-m", "tests.openedx.host.deliver_all"],
        cwd=ROOT,
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    delivered, signals = map(int, finished.stdout.split()[-2:])
    with capsys.disabled():
        print(f"\nsignals delivered: Trackside {len(sent[1])}, openedx-webhooks {delivered}, of {signals}")
    assert signals == len(sent[1]) == SIGNALS
    assert delivered == SIGNALS - 9
