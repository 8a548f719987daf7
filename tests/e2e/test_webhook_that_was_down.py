"""A webhook whose receiver is down for a while, as an operator sees it: failing, what waits, drained, sent again."""

import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.running import RunningServer, eventually, start_server
from tests.e2e.test_console import post

if TYPE_CHECKING:
    from playwright.sync_api import Browser

EVENTS = 12


class _Receiver(http.server.BaseHTTPRequestHandler):
    """Takes what comes, or is down."""

    taken: list[str]
    is_down = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if not type(self).is_down:
            self.taken.append(self.headers["webhook-id"])
        self.send_response(503 if type(self).is_down else 200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"busy" if type(self).is_down else b"good")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent."""


@pytest.fixture
def receiver() -> Iterator[type[_Receiver]]:
    class Receiver(_Receiver):
        taken: list[str] = []
        port = 0

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        Receiver.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield Receiver
        server.shutdown()
        thread.join()


@pytest.fixture
def server(tmp_path: Path, receiver: type[_Receiver]) -> Iterator[RunningServer]:
    data_dir = tmp_path / "data"
    first = start_server(data_dir)
    assert first.stop() == 0
    with (data_dir / "trackside.toml").open("a") as file:
        file.write(
            '\n[destinations.crm]\nkind = "webhook"\nallow_private_networks = true\n'
            f'url = "http://127.0.0.1:{receiver.port}/in"\nretry_schedule_s = [1, 1, 2, 3, 5]\n'  # type: ignore[attr-defined]
        )
    running = start_server(data_dir)
    yield running
    assert running.stop() == 0, running.output.read_text()


def test_down_seen_and_drained(server: RunningServer, browser: "Browser", receiver: type[_Receiver]) -> None:
    """The page tells why and when it is tried again; afterwards each event was taken once, and one is sent again."""
    for number in range(EVENTS):
        post(server, {"event": f"Lesson {number}", "userId": "7"})
    link = re.search(r"http://\S+/login/\S+", server.output.read_text())
    assert link is not None
    page = browser.new_context().new_page()
    page.goto(link.group())
    page.click("text=crm")

    def shows(*texts: str) -> bool:
        page.goto(f"{server.url}/destinations/crm/")
        shown = page.inner_text("main")
        return all(text in shown for text in texts)

    assert eventually(lambda: shows("failing", "answered 503 Service Unavailable", "Waiting for another try"))
    receiver.is_down = False
    assert eventually(lambda: shows("running", f"{EVENTS} delivered", "Nothing waits."), timeout_s=60)
    assert len(receiver.taken) == len(set(receiver.taken)) == EVENTS

    page.click("#attempts tbody tr:first-child a")
    assert "webhook-signature" not in page.inner_text("main")  # this one has no secret
    assert "trackside-attempt:" in page.inner_text("main")
    assert "good" in page.inner_text("main")
    page.click("text=Send this event again")
    assert "1 event is sent again" in page.inner_text("[role=status]")
    assert eventually(lambda: len(receiver.taken) == EVENTS + 1)
    assert len(set(receiver.taken)) == EVENTS
    page.context.close()
