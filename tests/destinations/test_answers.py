"""What answers mean for the event and for the endpoint."""

from http import HTTPStatus
from typing import Any

import pytest

from tests.destinations.webhook.tools import Fake
from trackside.destinations.base import DELIVERED, Gone, Outcome, Refused, Retry, Unsent
from trackside.outbound.base import Failed, Fault
from trackside.testing.outbound import Reply, answer


def fault(kind: Fault) -> Failed:
    return Failed(fault=kind, detail="why")


def retry(reason: str) -> Retry:
    return Retry(reason=reason)


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (answer(200), DELIVERED),
        (answer(201), DELIVERED),
        (answer(204), DELIVERED),
        (answer(299), DELIVERED),
        (answer(101), retry("answered 101 Switching Protocols")),
        (
            answer(302, headers={"Location": "http://169.254.169.254/"}),
            retry("answered 302 Found: redirects are not followed, set url to where it leads"),
        ),
        (answer(400), retry("answered 400 Bad Request")),
        (answer(401), retry("answered 401 Unauthorized")),
        (answer(403), retry("answered 403 Forbidden")),
        (answer(404), retry("answered 404 Not Found")),
        (answer(405), retry("answered 405 Method Not Allowed")),
        (answer(408), retry("answered 408 Request Timeout")),
        (answer(410), Gone(reason="answered 410 Gone: it wants no more events")),
        (answer(413), Refused(reason=f"answered 413 {HTTPStatus(413).phrase}")),
        (answer(422), retry(f"answered 422 {HTTPStatus(422).phrase}")),
        (answer(425), retry("answered 425 Too Early")),
        (answer(429), retry("answered 429 Too Many Requests")),
        (answer(500, b"secret payload"), retry("answered 500 Internal Server Error")),
        (answer(503), retry("answered 503 Service Unavailable")),
        (answer(599), retry("answered 599")),
        (fault(Fault.TIMEOUT), retry("timeout: why")),
        (fault(Fault.UNRESOLVED), retry("unresolved: why")),
        (fault(Fault.UNREACHABLE), retry("unreachable: why")),
        (fault(Fault.TLS), retry("tls_error: why")),
        (fault(Fault.RESET), retry("reset: why")),
        (fault(Fault.CLOSED), retry("closed: why")),
        (fault(Fault.PROTOCOL), retry("protocol_error: why")),
        (fault(Fault.PROXY), Unsent(rest_s=5, reason="proxy: why")),
        (fault(Fault.LOCAL), Unsent(rest_s=5, reason="local: why")),
        (fault(Fault.REFUSED_ADDRESS), Unsent(rest_s=60, reason="url must not be asked: why")),
    ],
)
def test_outcomes(reply: Reply, outcome: Outcome) -> None:
    """Fault 13, the table: whose fault it is decides whether an attempt is spent and who waits."""
    assert Fake([reply]).send_numbers(1) == [outcome]


@pytest.mark.parametrize("status", [400, 404, 422, 500, 302])
def test_statuses_that_mean_never(status: int) -> None:
    """`refuse_statuses` makes dead letters at once."""
    fake = Fake([answer(status)], refuse_statuses=(status,))
    (outcome,) = fake.send_numbers(1)
    assert isinstance(outcome, Refused)


def test_gone_ends_the_sending() -> None:
    """Fault 11: after 410 nothing more is sent, and what was not sent stays where it is."""
    fake = Fake([answer(200), answer(410)], concurrency=1)
    outcomes = fake.send_numbers(1, 2, 3, 4)
    assert outcomes == [DELIVERED, Gone(reason="answered 410 Gone: it wants no more events"), *[Unsent()] * 2]
    assert fake.ids == ["event-1", "event-2"]


@pytest.mark.parametrize(
    ("header", "rest_s"),
    [
        ("30", 30.0),
        ("Fri, 20 Nov 2026 12:02:00 GMT", 120.0),
        ("Fri, 20 Nov 2026 11:00:00 GMT", 0.0),
        ("315360000", 3_600.0),
        ("-5", 0.0),
        ("0", 0.0),
        ("soon", 0.0),
        ("", 0.0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_holds_the_whole_endpoint(status: int, header: str, rest_s: float) -> None:
    """Fault 12: nobody is asked before the endpoint said; nonsense and ten years do no harm."""
    reply = answer(status, headers={"Retry-After": header})
    fake = Fake([reply, answer(200)], concurrency=1)
    first, second = fake.send_numbers(1, 2)
    assert isinstance(first, Retry)
    assert first.spends_attempt
    assert (first.after_s or 5.0) >= max(rest_s, 5.0)  # never sooner than the schedule
    if rest_s:
        assert second == Unsent(rest_s=rest_s, reason=first.reason)
        fake.clock.elapsed_s += rest_s / 2
        assert fake.send_numbers(2) == [Unsent(rest_s=rest_s / 2, reason=first.reason)]
        fake.clock.elapsed_s += rest_s / 2
        assert fake.send_numbers(2) == [DELIVERED]
    else:
        assert second == DELIVERED


def test_retry_after_of_other_answers_is_not_heeded() -> None:
    """A 404 with Retry-After says nothing about the endpoint."""
    fake = Fake([answer(404, headers={"Retry-After": "30"}), answer(200)], concurrency=1)
    assert fake.send_numbers(1, 2) == [Retry(reason="answered 404 Not Found"), DELIVERED]


def test_the_cap_of_retry_after_can_be_set() -> None:
    """`longest_retry_after_s` bounds how long an endpoint can make us wait."""
    fake = Fake([answer(503, headers={"Retry-After": "3000"})], longest_retry_after_s=60.0, concurrency=1)
    _, second = fake.send_numbers(1, 2)
    assert isinstance(second, Unsent)
    assert second.rest_s == 60


def test_our_own_fault_holds_all_and_spends_nothing() -> None:
    """While this process cannot try, no event loses an attempt, whichever it was about."""
    fake = Fake([fault(Fault.LOCAL)], concurrency=1)
    rest = Unsent(rest_s=5, reason="local: why")
    assert fake.send_numbers(1, 2, 3) == [rest] * 3
    assert len(fake.client.requests) == 1


@pytest.mark.parametrize(
    ("settings", "odd"),
    [
        ({"redact": ("email",)}, b'{"deep":' + b"[" * 5_000 + b"]" * 5_000 + b"}"),
        ({"format": "form"}, b'{"huge":' + b"9" * 5_000 + b"}"),
    ],
)
def test_a_poison_event_is_parked(settings: dict[str, Any], odd: bytes) -> None:
    """Fault 25: what cannot be made a body is a dead letter at once; its neighbours go on."""
    from trackside.destinations.base import Delivery
    from trackside.testing.destination_contract import deliveries, make_event

    fake = Fake(**settings)
    first, second, third = fake.send([*deliveries(1), Delivery(2, make_event(2, data=odd)), *deliveries(3)])
    assert (first, third) == (DELIVERED, DELIVERED)
    assert isinstance(second, Refused)
    assert second.reason.startswith("cannot be made a body: ")
