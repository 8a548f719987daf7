"""The request around a body: who sends, which event it is, and a signature that others can verify."""

import json
from datetime import UTC, datetime

import pytest
from msgspec import Raw
from msgspec.structs import replace
from standardwebhooks import Webhook as Verifier

from tests.destinations.webhook.tools import Fake, header
from trackside.destinations.base import DELIVERED, Delivery
from trackside.destinations.webhook.requests import webhook_id
from trackside.outbound.signing import new_key_pair, new_secret, verify
from trackside.testing.destination_contract import deliveries, make_event

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_headers() -> None:
    """Every request says which event it is, when it was sent, how often, by whom and what is in it."""
    fake = Fake(secret=SECRET)
    fake.send([Delivery(1, make_event(1), 3)])
    (request,) = fake.client.requests
    assert (request.method, request.url, request.timeout_s) == ("POST", fake.settings.url, 15.0)
    names = [name.lower() for name, _ in request.headers]
    assert names == [
        "user-agent",
        "content-type",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "trackside-attempt",
    ]
    assert header(request, "user-agent") == "Trackside/1"
    assert header(request, "webhook-id") == "event-1"
    assert header(request, "webhook-timestamp") == "1795176000"
    assert header(request, "trackside-attempt") == "3"


def test_without_a_secret() -> None:
    """An unsigned request still says which event it is."""
    fake = Fake(method="PUT", timeout_s=2.5)
    fake.send_numbers(1)
    (request,) = fake.client.requests
    assert (request.method, request.timeout_s, header(request, "webhook-id")) == ("PUT", 2.5, "event-1")
    assert "webhook-signature" not in dict(request.headers)


@pytest.mark.parametrize("format_", ["json", "cloudevents"])
def test_others_verify_the_signature(format_: str) -> None:
    """The package `standardwebhooks` accepts what is sent, byte for byte, and nothing else."""
    fake = Fake(secret=SECRET, format=format_)
    now = datetime.now(UTC)
    fake.clock.elapsed_s = (now - datetime(2026, 11, 20, 12, 0, tzinfo=UTC)).total_seconds()
    event = replace(make_event(1), data=Raw('{"z":1,"a":"ü 𝄞","f":1.10}'.encode()))
    fake.send([Delivery(1, event)])
    (request,) = fake.client.requests
    headers = {name.lower(): value for name, value in request.headers}
    assert Verifier(SECRET).verify(request.body, headers) == json.loads(request.body)
    with pytest.raises(Exception, match="signature"):
        Verifier(SECRET).verify(request.body + b" ", headers)


def test_all_listed_secrets_sign() -> None:
    """While a key is replaced a receiver may have the old one, the new one, or a public key."""
    old, new = new_secret(), new_secret()
    private, public = new_key_pair()
    fake = Fake(secret=(old, new, private))
    fake.send_numbers(1)
    (request,) = fake.client.requests
    for key in (old, new, public):
        now_s = int(header(request, "webhook-timestamp"))
        assert verify(request.body, dict(request.headers), secrets=[key], now_s=now_s)


def test_a_secret_rotated_between_attempts() -> None:
    """Fault 28: the next attempt is signed with what is configured then; id and body are the same."""
    old, new = new_secret(), new_secret()
    before = Fake(secret=old)
    before.send([Delivery(1, make_event(1), 1)])
    after = Fake(secret=new, url="https://crm.example.org/moved")
    after.send([Delivery(1, make_event(1), 2)])
    (first,), (second,) = before.client.requests, after.client.requests
    now_s = int(header(second, "webhook-timestamp"))
    assert verify(second.body, dict(second.headers), secrets=[new], now_s=now_s)
    assert not verify(second.body, dict(second.headers), secrets=[old], now_s=now_s)
    assert (first.body, header(first, "webhook-id")) == (second.body, header(second, "webhook-id"))
    assert second.url == "https://crm.example.org/moved"


def test_a_later_attempt_has_the_same_body_and_its_own_time() -> None:
    """Fault 33: the bytes signed are the bytes sent, at each attempt the same; the time is the attempt's."""
    fake = Fake(secret=SECRET)
    for attempt in (1, 2):
        assert fake.send([Delivery(1, make_event(1), attempt)]) == [DELIVERED]
        fake.clock.elapsed_s += 300
    first, second = fake.client.requests
    assert first.body == second.body
    times = [int(header(request, "webhook-timestamp")) for request in (first, second)]
    assert times[1] - times[0] == 300
    for request, at_s in zip((first, second), times, strict=True):
        assert verify(request.body, dict(request.headers), secrets=[SECRET], now_s=at_s)


@pytest.mark.parametrize(
    ("event_id", "sent"),
    [
        ("ajs-next-1", "ajs-next-1"),
        ("a.b:c%2F", "a.b:c%2F"),
        ("a b\r\nX: 1", "a%20b%0D%0AX:%201"),
        ("ü𝄞", "%C3%BC%F0%9D%84%9E"),
        ("\ud800", "?"),
    ],
)
def test_ids_as_headers(event_id: str, sent: str) -> None:
    """An id that a header cannot hold is percent-encoded; it cannot bring headers of its own."""
    assert webhook_id(event_id) == sent
    fake = Fake(secret=SECRET)
    event = replace(deliveries(1)[0].event, id=event_id)
    assert fake.send([Delivery(1, event)]) == [DELIVERED]
    assert fake.ids == [sent]
