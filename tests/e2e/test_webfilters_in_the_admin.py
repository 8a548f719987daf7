"""A webfilter made, tried out, watched in shadow and put in force in the admin, in a real browser."""

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.running import eventually

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.e2e

NEW_NAME = b'{"data": {"form_data": {"name": "New Name"}}}'


class _Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(NEW_NAME)))
        self.end_headers()
        self.wfile.write(NEW_NAME)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent."""


@pytest.fixture
def receiver() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Receiver) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/names"
        server.shutdown()
        thread.join()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[str]:
    """The address of a project that asks before somebody registers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.asking.serve"],
        env={**os.environ, "TRACKSIDE_DATA_DIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.communicate("", timeout=20)
    assert process.returncode == 0


def test_a_webfilter_s_way_into_force(project: str, browser: "Browser", receiver: str) -> None:
    """Shadow records what it would have done; enforce does it; the audit has both, and no page an error."""
    page = browser.new_context().new_page()
    failed: list[str] = []
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.goto(f"{project}/admin/trackside/webfilter/add/")
    page.fill("#id_username", "root")
    page.fill("#id_password", "root")
    page.click("input[type=submit]")

    assert "Declared in this process: registration.requested." in page.inner_text(".field-point")
    page.fill("#id_name", "names")
    page.fill("#id_point", "registration.requested")
    page.fill("#id_url", receiver)
    page.select_option("#id_mode", "shadow")
    page.fill("#id_timeout_s", "soon")
    page.click("input[name=_save]")
    assert "timeout_s is 'soon'; want 0.01 to 30 seconds" in page.inner_text(".field-timeout_s .errorlist")
    page.fill("#id_timeout_s", "0.7")
    page.click("input[name=_save]")
    secret = page.inner_text(".shown-once")
    assert secret.startswith("whsec_")

    page.click("text=Go on")
    page.click("#result_list >> text=names")
    page.wait_for_load_state()
    assert secret not in page.content()
    page.click("text=Ask with example data")
    assert 'it would have changed form_data.name = "New Name" (status 200)' in page.inner_text(".messagelist")

    page.goto(f"{project}/register?name=Ada")
    assert page.inner_text("body") == "registered: Ada"
    page.goto(f"{project}/admin/trackside/webfilter/")
    page.check(".action-select")
    page.select_option("select[name=action]", "enforce")
    page.click("button[name=index]")
    assert "1 webfilter was put in force." in page.inner_text(".messagelist")
    page.goto(f"{project}/register?name=Ada")
    assert page.inner_text("body") == "registered: New Name"

    def decisions() -> list[tuple[str, str]]:
        page.goto(f"{project}/admin/trackside/webfilterquestion/")
        kinds = (
            page.locator(f"#result_list .field-{name}").all_inner_texts() for name in ("decision", "would_be")
        )
        return [*zip(*kinds, strict=True)]

    assert eventually(lambda: decisions() == [("changed", "changed"), ("passed", "changed")], timeout_s=10)
    page.click("#result_list tbody th a >> nth=0")
    assert "New Name" in page.inner_text(".field-patch_shown")
    assert page.locator("input[name=_save]").count() == 0
    page.goto(f"{project}/admin/trackside/webfilter/")
    assert page.inner_text("#result_list .field-last_decision").startswith("changed, ")
    assert failed == []
    page.context.close()
