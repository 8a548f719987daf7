"""Calls that go straight to Segment."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock, call
from uuid import UUID

import pytest
from pytest_django import Settings

from tests.django.conftest import Emitted
from trackside.django import segment
from trackside.telemetry import catalogue
from trackside.tracker import get_tracker

REQUEST = {
    "ip": "203.0.113.7",
    "agent": "Mozilla/5.0",
    "client_id": "A.B",
    "path": "/a",
    "referer": "https://x.org/",
    "host": "lms.example.org",
}
KNOWN = {
    "Google Analytics": {"clientId": "A.B"},
    "ip": "203.0.113.7",
    "userAgent": "Mozilla/5.0",
    "page": {"path": "/a", "referrer": "https://x.org/", "url": "https://lms.example.org/a"},
}


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch, settings: Settings, emitted: Emitted) -> Iterator[Mock]:
    settings.LMS_SEGMENT_KEY = "key"
    mock = Mock(write_key=None)
    monkeypatch.setattr(segment, "analytics", mock)
    monkeypatch.setattr(segment, "_ENDING", Mock())
    with get_tracker().context("edx.request", REQUEST):
        yield mock


def test_the_request_completes_the_context(library: Mock) -> None:
    segment.track(7, "name", {"a": UUID(int=1)}, traits={"email": "a@b.c"})
    expected = {**KNOWN, "traits": {"email": "a@b.c"}}
    assert library.mock_calls == [
        call.track(7, "name", {"a": "00000000-0000-0000-0000-000000000001"}, expected)
    ]
    assert library.write_key == "key"


def test_what_the_caller_says_stays(library: Mock) -> None:
    """And the caller's own dicts too."""
    context: dict[str, Any] = {"ip": "1.2.3.4", "page": {"path": "/mine"}, "locale": "de"}
    segment.track(7, "name", None, context)
    assert library.track.call_args.args[3] == {
        **KNOWN,
        "ip": "1.2.3.4",
        "page": {**KNOWN["page"], "path": "/mine"},  # type: ignore[dict-item]
        "locale": "de",
    }
    assert context["page"] == {"path": "/mine"}


def test_people_are_identified(library: Mock) -> None:
    segment.identify(7, {"email": "a@b.c"}, {"active": True})
    assert library.mock_calls == [call.identify(7, {"email": "a@b.c"}, {**KNOWN, "active": True})]


def test_nothing_is_sent_without_a_name_or_a_key(library: Mock, settings: Settings) -> None:
    segment.track(7, None)
    settings.LMS_SEGMENT_KEY = None
    segment.track(7, "name")
    segment.identify(7)
    assert library.mock_calls == []


def test_what_cannot_be_sent_is_counted(library: Mock) -> None:
    endless: list[Any] = []
    endless.append(endless)
    before = dict(catalogue.BACKEND_DROPPED.values())
    library.track.side_effect = AssertionError
    segment.track(7, "name", {"a": endless})
    segment.track(7, "name")
    for reason in ("unencodable", "refused"):
        labels = ("segment", reason)
        assert catalogue.BACKEND_DROPPED.value(*labels) == before.get(labels, 0) + 1


def test_without_the_library_nothing_happens(library: Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment, "analytics", None)
    segment.track(7, "name")


def test_what_the_library_holds_is_sent_at_the_end(tmp_path: Path) -> None:
    """Of the process, without anybody asking for it."""
    script = (
        "import http.server, threading\n"
        "from django.conf import settings\n"
        "got = []\n"
        "class Handler(http.server.BaseHTTPRequestHandler):\n"
        "    def do_POST(self):\n"
        "        body = self.rfile.read(int(self.headers['Content-Length']))\n"
        "        print(body.decode(), flush=True)\n"
        "        self.send_response(200); self.end_headers()\n"
        "    def log_message(self, *args): pass\n"
        "server = http.server.HTTPServer(('127.0.0.1', 0), Handler)\n"
        "threading.Thread(target=server.serve_forever, daemon=True).start()\n"
        "settings.configure(LMS_SEGMENT_KEY='key')\n"
        "from trackside.django import segment\n"
        "segment.analytics.host = f'http://127.0.0.1:{server.server_port}'\n"
        "segment.track(7, 'at the end', {'a': 1})\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path
    )
    assert '"event": "at the end"' in result.stdout, result.stderr
