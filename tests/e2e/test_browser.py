"""analytics.js in a real browser, with nothing set but where it boots from."""

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.e2e.running import RunningServer, eventually

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

SIX_CALLS = """
async () => {
  await new Promise((resolve) => analytics.ready(resolve))
  await analytics.page('docs', 'intro', { n: 0 })
  await analytics.identify('7', { email: 'a@example.org' })
  await analytics.track('Lesson Started', { n: 2 })
  await analytics.screen('docs', 'Lesson', { n: 3 })
  await analytics.group('group-1', { n: 4 })
  await analytics.alias('8', '7')
}
"""
LATER_MS = 120_000
"""Beyond every timer of the SDK: it sends its own metrics after 30 seconds."""


def open_page(browser: "Browser", address: str) -> tuple["Page", list[str]]:
    """Return a page at `address`, its clock ours to turn, and the addresses of all requests it makes."""
    page = browser.new_context().new_page()
    requested: list[str] = []
    page.context.on("request", lambda request: requested.append(request.url))
    page.clock.install()
    page.goto(address)
    return page, requested


def hosts(requested: list[str]) -> set[str]:
    """Return the host and port of each address."""
    return {urlsplit(address).netloc for address in requested}


@pytest.mark.parametrize("document", ["snippet.html", "package.html"])
def test_six_calls_arrive_once_and_nothing_leaves_to_another_host(
    server: RunningServer, site: str, browser: "Browser", document: str
) -> None:
    """With only the CDN's address set: booted, six calls stored, no request to anybody else."""
    page, requested = open_page(browser, f"{site}/{document}")
    page.evaluate(SIX_CALLS)
    assert server.logged(6)
    page.clock.fast_forward(LATER_MS)
    page.wait_for_load_state("networkidle")

    events = server.events()
    assert sorted(event["type"] for event in events) == [
        "alias", "group", "identify", "page", "screen", "track",
    ]  # fmt: skip
    assert {event["context"]["library"]["name"] for event in events} == {"analytics.js"}
    assert {event["context"]["ip"] for event in events} == {"127.0.0.1"}
    lines = server.tracking_lines()
    assert len(lines) == 6
    assert {line["context"]["client"]["messageId"] for line in lines} == {event["id"] for event in events}
    assert {line["event_source"] for line in lines} == {"browser"}
    assert hosts(requested) == {urlsplit(site).netloc, urlsplit(server.url).netloc}
    page.context.close()


def test_the_watch_on_other_hosts_would_see_one(server: RunningServer, site: str, browser: "Browser") -> None:
    """Where the settings leave out the metrics, the SDK sends them to Segment: the check above notices."""
    page = browser.new_context().new_page()
    requested: list[str] = []
    page.context.on("request", lambda request: requested.append(request.url))
    page.clock.install()

    def without_metrics(route: "Route") -> None:
        response = route.fetch()
        settings = response.json()
        del settings["metrics"]
        route.fulfill(response=response, json=settings)

    page.route("**/settings", without_metrics)
    page.goto(f"{site}/snippet.html")
    page.evaluate(SIX_CALLS)
    assert server.logged(6)
    page.clock.fast_forward(LATER_MS)
    assert wait_for(page, lambda: "api.segment.io" in hosts(requested))
    page.context.close()


def test_calls_made_before_the_server_is_back_arrive_once(
    server: RunningServer, site: str, browser: "Browser"
) -> None:
    """A 503 with the same call sent again later is one event."""
    page, requested = open_page(browser, f"{site}/snippet.html")
    page.evaluate("async () => { await new Promise((resolve) => analytics.ready(resolve)) }")
    failures = iter([503, 503])

    def sometimes(route: "Route") -> None:
        status = next(failures, None)
        if status is None:
            route.continue_()
        else:
            headers = {"Access-Control-Allow-Origin": "*"}
            route.fulfill(status=status, json={"success": False}, headers=headers)

    page.route("**/v1/t", sometimes)
    page.evaluate("() => { analytics.track('Lesson Started', { n: 1 }) }")
    assert wait_for(page, lambda: sum(address.endswith("/v1/t") for address in requested) >= 3)
    assert server.logged(1)
    assert [event["name"] for event in server.events()] == ["Lesson Started"]
    page.context.close()


def test_what_waits_in_a_batch_arrives_after_the_page_is_left(
    server: RunningServer, site: str, browser: "Browser"
) -> None:
    """In batching mode a page that is left sends what it has, while it is gone already."""
    page = browser.new_context().new_page()
    requested: list[str] = []
    page.context.on("request", lambda request: requested.append(request.url))
    page.goto(f"{site}/batching.html")
    page.evaluate("() => Promise.all([0, 1, 2, 3, 4].map((n) => analytics.track('Lesson Started', { n })))")
    assert not any(address.endswith("/v1/b") for address in requested)
    page.goto("about:blank")
    assert server.logged(5)
    assert sorted(event["data"]["n"] for event in server.events()) == [0, 1, 2, 3, 4]
    page.context.close()


def wait_for(page: "Page", condition: Callable[[], bool]) -> bool:
    """Return whether `condition` comes to hold while the page's clock is turned forward."""

    def turned() -> bool:
        page.clock.run_for(1_000)
        return condition()

    return eventually(turned)
