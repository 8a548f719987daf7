"""Two ceilings: what the settings may reach, and what rows may."""

import threading
import time
from collections.abc import Sequence

import pytest

from tests.django.webhooks.conftest import Endpoint
from trackside.config.settings import Config, WebhookRowSettings
from trackside.django.webfilters.clients import BothClients, client_of_rows
from trackside.django.webhooks import surroundings
from trackside.django.webhooks.surroundings import Surroundings
from trackside.outbound.base import Answer, Failed, Fault, Outgoing

SETTINGS_URL = "https://settings.example.org/"


class OfSettings:
    """The client of the settings: answers 200 after a while."""

    def __init__(self, wait_s: float = 0.0) -> None:
        self.asked: list[str] = []
        self._wait_s = wait_s

    def ask(self, requests: Sequence[Outgoing], *, budget_s: float) -> list[Answer | Failed]:
        """Answer each."""
        self.asked += [request.url for request in requests]
        time.sleep(self._wait_s)
        return [Answer(status=200, headers={}, body=b"settings") for _ in requests]


def outgoing(url: str) -> Outgoing:
    return Outgoing(url=url, body=b"{}", timeout_s=2)


@pytest.mark.usefixtures("around")
def test_each_request_goes_through_the_client_of_whoever_wrote_its_url(endpoint: Endpoint) -> None:
    """The replies are in the order of the requests."""
    of_settings = OfSettings()
    both = BothClients(of_settings, {SETTINGS_URL})
    urls = [endpoint.url, SETTINGS_URL, endpoint.url]
    found = both.ask([outgoing(url) for url in urls], budget_s=2)
    assert [isinstance(each, Answer) and each.body for each in found] == [
        b"thank you",
        b"settings",
        b"thank you",
    ]
    assert of_settings.asked == [SETTINGS_URL]


@pytest.mark.usefixtures("around")
def test_both_ask_side_by_side(endpoint: Endpoint) -> None:
    """The rows' request is there while the settings' client still waits."""
    there = threading.Event()

    class Waiting(OfSettings):
        def ask(self, requests: Sequence[Outgoing], *, budget_s: float) -> list[Answer | Failed]:
            deadline = time.monotonic() + 2
            while not endpoint.requests and time.monotonic() < deadline:
                time.sleep(0.005)
            if endpoint.requests:
                there.set()
            return super().ask(requests, budget_s=budget_s)

    BothClients(Waiting(), {SETTINGS_URL}).ask([outgoing(SETTINGS_URL), outgoing(endpoint.url)], budget_s=3)
    assert there.is_set()


@pytest.mark.usefixtures("around")
def test_a_row_reaches_no_private_network_that_the_operator_does_not_allow(endpoint: Endpoint) -> None:
    """Whatever the settings' client may; and at once when the operator's word changes."""
    both = BothClients(OfSettings(), {SETTINGS_URL})
    [answer] = both.ask([outgoing(endpoint.url)], budget_s=2)
    assert isinstance(answer, Answer)
    assert client_of_rows() is client_of_rows()
    surroundings.show(Surroundings(config=Config(webhooks=WebhookRowSettings())))
    [refused] = both.ask([outgoing(endpoint.url)], budget_s=2)
    assert isinstance(refused, Failed)
    assert refused.fault == Fault.REFUSED_ADDRESS
