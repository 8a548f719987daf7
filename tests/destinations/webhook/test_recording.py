"""What is kept of each attempt of a webhook."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace
from standardwebhooks import Webhook as Verifier

from tests.destinations.webhook.receiver import Receiver, Reply
from tests.destinations.webhook.tools import START, URL, Clock
from trackside.attempts.base import Attempt
from trackside.destinations.base import Delivered, Delivery, Outcome
from trackside.destinations.webhook import Webhook, WebhookSettings, connector
from trackside.destinations.webhook.recording import HIDDEN, shown_url
from trackside.outbound.base import Failed, Fault
from trackside.testing.attempts import MemoryAttempts
from trackside.testing.destination_contract import deliveries
from trackside.testing.outbound import FakeClient, Script, answer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ODD = b'{"z":1,"a":"\xc3\xbc \\ud83d\\ude00","f":1.10,"e":1E3,"n":-0.0,"big":123456789012345678901234567890}'


class Recorded:
    """A webhook whose attempts are kept in memory."""

    def __init__(self, script: Script = (), **settings: Any) -> None:
        self.client = FakeClient(script)
        self.attempts = MemoryAttempts()
        self.webhook = Webhook(
            WebhookSettings(**{"url": URL, **settings}),
            lambda: self.client,
            user_agent="Trackside/1",
            moments=Clock().moments,
            recorder=self.attempts.recorder("crm"),
        )

    def send(self, *batch: Delivery) -> list[Outcome]:
        """Return the outcomes of one `send`."""

        async def scenario() -> list[Outcome]:
            await self.webhook.open(None)
            return list(await self.webhook.send(batch))

        return asyncio.run(scenario())

    def attempt(self, reply: Any = None) -> Attempt:
        """Return the one attempt that was made."""
        self.send(*deliveries(1))
        (found,) = self.attempts.attempts
        return found


def test_request_and_answer() -> None:
    """Everything that was sent, and everything that came back."""
    recorded = Recorded([answer(503, b"busy", {"Retry-After": "7", "X-A": "b"})], secret=SECRET)
    recorded.send(replace(deliveries(4)[0], attempt=3))
    (attempt,) = recorded.attempts.attempts
    (request,) = recorded.client.requests
    assert (attempt.destination, attempt.position, attempt.number) == ("crm", 4, 3)
    assert attempt.event_id == deliveries(4)[0].event.id
    assert attempt.event_name == deliveries(4)[0].event.name
    assert (attempt.began_at, attempt.method, attempt.url) == (START, "POST", URL)
    assert (attempt.outcome, attempt.status) == ("failed", 503)
    assert attempt.reason == "answered 503 Service Unavailable"
    assert attempt.request_headers == list(request.headers)
    assert attempt.request_body == request.body
    assert attempt.response_headers == [("retry-after", "7"), ("x-a", "b")]
    assert attempt.response_body == b"busy"


@pytest.mark.parametrize(
    ("reply", "outcome", "fault"),
    [
        (answer(204), "delivered", None),
        (answer(500), "failed", None),
        (answer(302), "failed", None),
        (answer(413), "refused", None),
        (answer(410), "gone", None),
        (Failed(fault=Fault.TIMEOUT, detail="too late"), "failed", "timeout"),
        (Failed(fault=Fault.TLS, detail="expired"), "failed", "tls_error"),
        (Failed(fault=Fault.REFUSED_ADDRESS, detail="private"), "not_asked", "refused_address"),
        (Failed(fault=Fault.LOCAL, detail="no memory"), "not_asked", "local"),
    ],
)
def test_outcomes(reply: Any, outcome: str, fault: str | None) -> None:
    """What it means, and why there was no answer."""
    attempt = Recorded([reply]).attempt()
    assert (attempt.outcome, attempt.fault) == (outcome, fault)
    assert (attempt.reason is None) is (outcome == "delivered")


def test_secrets_are_not_kept() -> None:
    """Neither those we send nor those the receiver repeats; names and signatures stay."""
    echo = b'{"headers":{"X-Key":"key-123456","Authorization":"Bearer token-123456"}}'
    recorded = Recorded(
        [answer(200, echo, {"Set-Cookie": "session=abc", "X-Echo": "key-123456"})],
        secret=SECRET,
        headers={"X-Key": "key-123456", "User-Agent": "mine-123456"},
        bearer_token="token-123456",
        url=URL + "?token=query-123456&empty=",
    )
    attempt = recorded.attempt()
    everything = repr(attempt)
    for secret in ("key-123456", "token-123456", "query-123456", "mine-123456", "session=abc", SECRET):
        assert secret not in everything
    headers = dict(attempt.request_headers)
    assert headers["X-Key"] == headers["Authorization"] == headers["User-Agent"] == HIDDEN
    assert headers["webhook-signature"].startswith("v1,")
    assert attempt.url == f"{URL}?token={HIDDEN}&empty="
    assert json.loads(attempt.response_body)["headers"]["X-Key"] == HIDDEN


def test_a_url_without_a_query_stays() -> None:
    """Also where it has odd characters."""
    assert shown_url("https://a.example/b%20c;d") == "https://a.example/b%20c;d"


def test_33_signed_is_sent_is_kept(tmp_path: Path) -> None:
    """Fault 33: the bytes that were signed arrive, and are kept: order of keys, letters and numbers too."""
    attempts = MemoryAttempts()
    with Receiver(lambda request: Reply(status=200)) as receiver:
        settings = WebhookSettings(url=receiver.url, secret=SECRET, allow_private_networks=True)
        webhook = Webhook(
            settings,
            connector(settings, tmp_path, user_agent="Trackside/1"),
            recorder=attempts.recorder("crm"),
        )
        first = deliveries(1)[0]
        odd = replace(first, event=replace(first.event, data=Raw(ODD)))

        async def scenario() -> list[Outcome]:
            await webhook.open(None)
            try:
                return list(await webhook.send([odd]))
            finally:
                await webhook.close()

        assert asyncio.run(scenario()) == [Delivered()]
    (received,) = receiver.requests
    (kept,) = attempts.attempts
    assert ODD in received.body
    assert kept.request_body == received.body
    assert kept.duration_s > 0
    headers = {name.lower(): value for name, value in kept.request_headers}
    Verifier(SECRET).verify(kept.request_body, headers)
    for name, value in headers.items():
        assert received.headers[name] == value


def test_a_request_that_is_broken_off_is_unknown() -> None:
    """A stop does not wait for it: nobody knows what came of it."""
    sent = asyncio.Event()

    async def never(_: object) -> Any:
        sent.set()
        await asyncio.Event().wait()

    recorded = Recorded(never)

    async def scenario() -> None:
        await recorded.webhook.open(None)
        sending = asyncio.create_task(_drained(recorded.webhook))
        await sent.wait()
        assert len(recorded.attempts.under_way) == 1
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)

    asyncio.run(scenario())
    (attempt,) = recorded.attempts.attempts
    assert attempt.outcome == "unknown"
    assert recorded.attempts.under_way == {}


async def _drained(webhook: Webhook) -> None:
    await webhook.send(deliveries(1))


def test_what_nobody_was_asked_about_is_no_attempt() -> None:
    """An event that is not asked for leaves nothing."""
    recorded = Recorded(where={"type": "page"})
    recorded.send(*deliveries(1, 2))
    assert recorded.attempts.attempts == []
