"""A webhook made, tried out, rotated and deleted in the admin, in a real browser; then the API and the command line."""

import http.server
import json
import re
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.running import RunningServer, start_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.e2e


class _Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((dict(self.headers), body))  # type: ignore[attr-defined]  # put there below
        self.send_response(200)
        self.send_header("Content-Length", "9")
        self.end_headers()
        self.wfile.write(b"thank you")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent."""


@pytest.fixture
def receiver() -> Iterator[http.server.ThreadingHTTPServer]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Receiver) as server:
        server.received = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server whose operator lets rows reach private networks, and whose file declares a webhook."""
    data_dir = tmp_path / "data"
    first = start_server(data_dir)
    assert first.stop() == 0
    with (data_dir / "trackside.toml").open("a") as file:
        file.write(
            "\n[webhooks]\nallow_private_networks = true\n\n[destinations.declared]\n"
            'kind = "webhook"\nurl = "https://declared.example.org/in"\nenabled = false\n'
        )
    running = start_server(data_dir)
    yield running
    assert running.stop() == 0, running.output.read_text()


def test_a_webhook_s_life_in_the_admin(
    server: RunningServer, browser: "Browser", receiver: http.server.ThreadingHTTPServer
) -> None:
    """The secret is seen once; the test event arrives signed; a wrong value is told beside its field."""
    link = re.search(r"http://\S+/login/\S+", server.output.read_text())
    assert link is not None
    page = browser.new_context().new_page()
    failed: list[str] = []
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.goto(link.group())
    page.goto(f"{server.url}/admin/trackside/webhook/")
    assert "https://declared.example.org/in" in page.inner_text("#declared-webhooks")

    page.click("text=Add webhook")
    page.fill("#id_name", "crm")
    page.fill("#id_url", f"http://127.0.0.1:{receiver.server_port}/in")
    page.fill("#id_timeout_s", "soon")
    page.click("input[name=_save]")
    assert "timeout_s is 'soon'; want 0.1 to 300 seconds" in page.inner_text(".field-timeout_s .errorlist")
    page.fill("#id_timeout_s", "5")
    page.click("input[name=_save]")
    secret = page.inner_text(".shown-once")
    assert secret.startswith("whsec_")

    page.click("text=Go on")
    page.click("text=crm >> nth=0")
    assert f"Set, ends in …{secret[-4:]}" in page.inner_text(".field-signing")
    page.wait_for_load_state()
    assert secret not in page.content()
    page.fill("#id_description", "the CRM")
    page.click("input[name=_continue]")
    assert "was changed successfully" in page.inner_text(".messagelist")
    assert page.input_value("#id_description") == "the CRM"
    page.click("text=Send a test event")
    assert "The webhook crm answered 200, delivered" in page.inner_text(".messagelist")
    headers, body = receiver.received[0]  # type: ignore[attr-defined]
    assert json.loads(body)["name"] == "trackside.test"
    assert json.loads(body)["data"]["asked_by"] == "admin"
    assert any(name.lower() == "webhook-signature" for name in headers)

    page.click("text=Rotate the signing secret")
    assert page.inner_text(".shown-once") != secret
    assert failed == []
    page.context.close()

    token = json.loads(server.trackside("tokens", "create", "ci", "--json"))["token"]
    request = urllib.request.Request(
        f"{server.url}/api/webhooks/crm", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        shown = json.load(response)
    assert len(shown["secret"]) == 2
    assert shown["timeout_s"] == 5.0
    assert server.trackside("webhooks", "delete", "crm", "--yes") == "crm is deleted\n"
