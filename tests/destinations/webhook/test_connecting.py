"""The client of a webhook, as its settings say, at a real receiver."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.destinations.webhook.receiver import Received, Receiver, Reply
from trackside.destinations.base import DELIVERED, Outcome, Retry
from trackside.destinations.webhook import Webhook, WebhookSettings, connector, policy_of
from trackside.errors import DestinationError
from trackside.testing.destination_contract import deliveries
from trackside.testing.outbound import FakeClient


def sent(receiver: Receiver, count: int = 1, **given: Any) -> list[Outcome]:
    """Return the outcomes of so many events."""
    settings = msgspec.convert(
        {"url": receiver.url, "allow_private_networks": True, **given}, WebhookSettings
    )

    async def scenario() -> list[Outcome]:
        connect = connector(settings, Path("/nowhere"), user_agent="Trackside/2")
        webhook = Webhook(
            settings, connect, why_not=policy_of(settings).why_not_url, user_agent="Trackside/2"
        )
        await webhook.open(None)
        try:
            return list(await webhook.send(deliveries(*range(1, count + 1))))
        finally:
            await webhook.close()

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    ("given", "header", "value"),
    [
        ({"headers": {"X-Tenant": "7"}}, "x-tenant", "7"),
        ({"headers": {"User-Agent": "mine"}}, "user-agent", "mine"),
        ({}, "user-agent", "Trackside/2"),
        ({"bearer_token": "t0ken"}, "authorization", "Bearer t0ken"),
        ({"basic_username": "u", "basic_password": "p"}, "authorization", "Basic dTpw"),
        ({"headers": {"X-A": "a"}, "bearer_token": "t"}, "x-a", "a"),
    ],
)
def test_headers_and_credentials(given: dict[str, Any], header: str, value: str) -> None:
    """What settings say about who we are is on every request."""
    with Receiver() as receiver:
        assert sent(receiver, 2, **given) == [DELIVERED] * 2
    assert [request.headers[header] for request in receiver.requests] == [value] * 2


def test_a_token_that_cannot_be_had_is_a_failure_of_the_endpoint() -> None:
    """Where the token's server refuses us, the event is tried again; nothing goes out without a token."""

    def no_token(request: Received) -> Reply:
        return Reply(status=401 if request.path == "/token" else 200)

    with Receiver(no_token) as receiver:
        oauth: dict[str, Any] = {
            "oauth_token_url": f"http://127.0.0.1:{receiver.port}/token",
            "oauth_client_id": "id",
            "oauth_client_secret": "s",
        }
        (outcome,) = sent(receiver, **oauth)
    assert outcome == Retry(reason="answered 401 Unauthorized")
    assert {request.path for request in receiver.requests} == {"/token"}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_methods(method: str) -> None:
    """The method is the one asked for."""
    with Receiver() as receiver:
        assert sent(receiver, method=method) == [DELIVERED]
    assert receiver.requests[0].method == method


def test_connections_are_kept() -> None:
    """A hundred events share the few connections that are open side by side."""
    with Receiver() as receiver:
        assert sent(receiver, 100, concurrency=4) == [DELIVERED] * 100
    assert receiver.most_under_way <= 4
    assert receiver.connections <= 4


def test_many_at_a_time() -> None:
    """While answers take their time, as many requests are under way as are allowed."""
    with Receiver(lambda request: Reply(delay_s=0.05)) as receiver:
        assert sent(receiver, 40, concurrency=20) == [DELIVERED] * 40
    assert receiver.most_under_way == 20


def test_a_connection_that_is_cut() -> None:
    """Without an answer the event is tried again: nobody knows whether it arrived."""
    with Receiver(lambda request: Reply(cut=True)) as receiver:
        (outcome,) = sent(receiver)
    assert isinstance(outcome, Retry)
    assert outcome.reason.startswith(("closed: ", "reset: "))


def test_private_networks_are_closed_by_default() -> None:
    """A URL into this machine is told when the webhook opens, and nobody is asked."""
    with (
        Receiver() as receiver,
        pytest.raises(DestinationError, match=r"url must not be asked: .*allow_private_networks"),
    ):
        sent(receiver, allow_private_networks=False)
    assert receiver.requests == []


def test_redirects_are_not_followed() -> None:
    """Fault 9: an answer that sends us elsewhere is a failure; the other place hears nothing."""
    with Receiver() as inside, Receiver() as receiver:
        receiver.answer = lambda request: Reply(status=307, headers={"Location": inside.url})
        (outcome,) = sent(receiver)
    assert isinstance(outcome, Retry)
    assert inside.requests == []


@pytest.mark.parametrize(("given", "wanted"), [({}, True), ({"http2": False}, False)])
def test_the_settings_say_whether_http_2_is_spoken(given: dict[str, Any], wanted: bool) -> None:
    settings = msgspec.convert({"url": "https://hooks.test/", **given}, WebhookSettings)
    said: list[bool] = []

    def open_client(*, http2: bool, **_: Any) -> FakeClient:
        said.append(http2)
        return FakeClient()

    connector(settings, Path("/nowhere"), user_agent="Trackside/2", open_client=open_client)()
    assert said == [wanted]
