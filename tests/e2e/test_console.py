"""The first page as a member of staff sees it, in a real browser."""

import json
import re
import urllib.error
import urllib.request
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.e2e.running import RunningServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def post(server: RunningServer, event: dict[str, object]) -> None:
    """Send one track call."""
    credentials = b64encode(f"{server.write_key}:".encode()).decode()
    request = urllib.request.Request(
        server.url + "/v1/track",
        data=json.dumps(event).encode(),
        headers={"Authorization": f"Basic {credentials}"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        assert json.load(response) == {"success": True}


def test_the_printed_link_opens_the_first_page(server: RunningServer, browser: "Browser") -> None:
    """It logs in once, shows events, rejects and destinations, and loads nothing from another host."""
    post(server, {"event": "<b>Lesson</b> Started", "userId": "7"})
    post(server, {"userId": "7"})
    assert server.logged(1)
    link = re.search(r"http://\S+/login/\S+", server.output.read_text())
    assert link is not None

    context = browser.new_context()
    page = context.new_page()
    requested: list[str] = []
    failed: list[str] = []
    context.on("request", lambda request: requested.append(request.url))
    context.on("response", lambda response: failed.append(response.url) if response.status >= 400 else None)
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.goto(link.group())

    assert urlsplit(page.url).path == "/"
    text = page.inner_text("main")
    assert "<b>Lesson</b> Started" in text  # shown as text, not as markup
    assert "missing_event" in text
    assert "tracking_log" in text
    page.click("text=Admin")
    assert page.title()
    assert failed == []
    assert {urlsplit(address).netloc for address in requested} == {urlsplit(server.url).netloc}

    again = browser.new_context().new_page()
    response = again.goto(link.group())
    assert response is not None
    assert response.status == 403
    again.context.close()
    context.close()


def test_strangers_are_sent_to_the_login(server: RunningServer, browser: "Browser") -> None:
    """Without an account the page shows nothing of the log."""
    post(server, {"event": "Lesson Started", "userId": "7"})
    page = browser.new_context().new_page()
    page.goto(server.url + "/")
    assert urlsplit(page.url).path == "/admin/login/"
    assert "Lesson Started" not in page.content()
    page.context.close()
