"""A real browser's own ways to send, from pages of other origins than the server's."""

import http.server
import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.running import RunningServer, eventually, start_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SAID = {
    "event_type": "edx.ui.lms.link_clicked",
    "event": '{"target": "\u00e9"}',
    "page": "https://lms.example.org/",
}
SENDING = """
async ({url, said}) => {
  const text = JSON.stringify(said)
  const form = new FormData()
  const params = new URLSearchParams()
  for (const name in said) { form.append(name, said[name]); params.append(name, said[name]) }
  navigator.sendBeacon(url, text)
  navigator.sendBeacon(url, new Blob([text], {type: 'application/json'}))
  navigator.sendBeacon(url, form)
  navigator.sendBeacon(url, params)
  const answers = [await fetch(url, {method: 'POST', body: params}), await fetch(url + '?' + params)]
  return await Promise.all(answers.map((answer) => answer.text()))
}
"""
REPORTING = """
async (url) => {
  const now = Date.now() - 86400000
  const body = JSON.stringify({
    type: 'event', request_time_ms: now, client_type: 1, event: {event_type: 2, event_time_ms: now - 2000},
  })
  const request = new XMLHttpRequest()
  return await new Promise((resolve) => {
    request.onload = () => resolve([request.status, request.responseText])
    request.onerror = () => resolve('refused')
    request.open('POST', url, true)
    request.send(body)
  })
}
"""
REFUSED = """
async ({url, said}) => {
  navigator.sendBeacon(url, JSON.stringify(said))
  new Image().src = url + '?' + new URLSearchParams(said)
  const answer = await fetch(url, {method: 'POST', body: new URLSearchParams(said)})
  return answer.status
}
"""


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content = b"<!doctype html><title>A page</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        """Stay silent."""


@contextmanager
def pages() -> Iterator[str]:
    """Serve an empty page on an origin of its own."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        yield f"http://localhost:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


@pytest.fixture
def listed() -> Iterator[str]:
    """The origin whose pages may send."""
    with pages() as origin:
        yield origin


@pytest.fixture
def server(tmp_path: Path, listed: str) -> Iterator[RunningServer]:
    """A server for the pages of one other origin."""
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o700)
    config = f"""
[sources.web]
kind = "segment"
write_key = "k"
[sources.rtc]
kind = "apprtc"
[sources.pages]
kind = "browser"
origins = ["{listed}"]
[destinations.tracking_log]
kind = "tracking_log"
"""
    (data_dir / "trackside.toml").write_text(config)
    running = start_server(data_dir)
    yield running
    assert running.stop() == 0, running.output.read_text()


def test_beacons_of_a_listed_origin(server: RunningServer, listed: str, browser: "Browser") -> None:
    """As text, as JSON with a preflight, as both kinds of forms; and requests whose answer is read."""
    page = browser.new_context().new_page()
    page.goto(listed)
    told = {"url": server.url + "/event", "said": SAID}
    assert page.evaluate(SENDING, told) == ["success", "success"]
    assert server.logged(6)
    page.context.close()
    lines = server.tracking_lines()
    assert {(line["name"], line["event_source"], line["page"]) for line in lines} == {
        (SAID["event_type"], "browser", SAID["page"])
    }
    assert [json.loads(line["event"]) for line in lines] == [{"target": "\u00e9"}] * 6


def test_pages_of_other_origins_are_refused(server: RunningServer, browser: "Browser") -> None:
    """A beacon, a picture and a request; each is counted."""
    with pages() as foreign:
        page = browser.new_context().new_page()
        page.goto(foreign)
        assert page.evaluate(REFUSED, {"url": server.url + "/event", "said": SAID}) == 403
        page.context.close()
    assert eventually(lambda: _ignored(server) == 3)
    assert server.events() == []


def _ignored(server: RunningServer) -> int:
    with urllib.request.urlopen(server.url + "/metrics", timeout=5) as response:
        text = response.read().decode()
    wanted = 'trackside_events_ignored_total{source="pages",reason="origin_not_allowed"}'
    found = [line for line in text.splitlines() if line.startswith(wanted)]
    return int(float(found[0].split()[-1])) if found else 0


def test_a_page_with_a_clock_of_its_own(server: RunningServer, browser: "Browser", listed: str) -> None:
    """A simple request, as AppRTC's web application makes it: no preflight, and the answer can be read."""
    page = browser.new_context().new_page()
    page.goto(listed)
    assert page.evaluate(REPORTING, server.url + "/a/") == [200, '{"result": "SUCCESS"}']
    page.context.close()
    assert server.logged(1)
    (event,) = server.events()
    assert (event["name"], event["source"]) == ("ROOM_SIZE_2", "rtc")
    assert 86_399_000 < event["skew_ms"] < 86_460_000
