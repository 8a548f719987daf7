"""Requests, their limits, and what becomes of events whose request failed."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import pytest

from tests.destinations.segment.place import KEY, Place, Plan, body_of, emitted, ids_of, make_segment, send
from trackside.delivery.schedule import schedule_of
from trackside.destinations.base import (
    DELIVERED,
    FILTERED,
    Delivery,
    Outcome,
    Refused,
    Retry,
    Unsent,
)
from trackside.destinations.segment import SegmentSettings
from trackside.errors import DestinationError
from trackside.outbound.base import Answer, Failed, Fault
from trackside.testing.destination_contract import deliveries, make_event
from trackside.testing.outbound import answer


def ids(*numbers: int) -> list[str]:
    return [f"event-{number}" for number in numbers]


def outcomes(place: Place, wanted: Sequence[Delivery], **settings: Any) -> list[Outcome]:
    return asyncio.run(send(place, wanted, **settings))


def test_a_request() -> None:
    """To the batch path, authorized twice, with the time of this very attempt."""
    place = Place()
    assert outcomes(place, deliveries(1), host="https://events.example.org/prefix/") == [DELIVERED]
    (request,) = place.requests
    assert (request.method, request.url) == ("POST", "https://events.example.org/prefix/v1/batch")
    assert request.timeout_s == 15.0
    assert list(request.headers) == [
        ("Content-Type", "application/json"),
        ("Authorization", "Basic " + b64encode(f"{KEY}:".encode()).decode()),
    ]
    (body,) = place.bodies()
    assert (body["writeKey"], body["sentAt"]) == (KEY, "2026-11-20T19:25:00Z")
    assert [call["messageId"] for call in body["batch"]] == ["event-1"]


def test_compressed_requests() -> None:
    """Only those that are worth it."""
    place = Place()
    outcomes(place, deliveries(1), gzip=True)
    outcomes(place, deliveries(*range(50)), gzip=True)
    small, large = place.requests
    assert ("Content-Encoding", "gzip") not in small.headers
    assert ("Content-Encoding", "gzip") in large.headers
    assert len(large.body) < len(body_of(large)) / 4


def test_a_retry_says_so() -> None:
    """X-Retry-Count is how often the first event of the request was tried before; first tries have none."""
    place = Place()
    outcomes(place, [Delivery(1, make_event(1), 4), Delivery(2, make_event(2))], batch_events=1)
    first, second = (dict(request.headers) for request in place.requests)
    assert first["X-Retry-Count"] == "3"
    assert "X-Retry-Count" not in second


def test_batches_are_limited_by_number_and_size() -> None:
    """No request has more than 100 events or 475,000 bytes, and the order is kept."""
    place = Place()
    outcomes(place, deliveries(*range(250)))
    assert [len(asked) for asked in place.asked] == [100, 100, 50]
    place = Place()
    data = json.dumps({"text": "x" * 30_000}).encode()
    large = [Delivery(number, make_event(number, data=data)) for number in range(40)]
    assert outcomes(place, large) == [DELIVERED] * 40
    assert [len(asked) for asked in place.asked] == [15, 15, 10]
    assert all(450_000 < len(request.body) <= 475_000 for request in place.requests[:2])
    assert place.taken == ids(*range(40))


@pytest.mark.parametrize("more", [0, 1])
def test_the_largest_event(more: int) -> None:
    """32,768 bytes as a call are taken; one more is refused, for Segment would answer 200 and drop it."""
    place = Place()
    outcomes(place, [Delivery(1, make_event(1, data=b'{"a":""}'))])
    frame = len(body_of(place.requests[0])) - len('{"writeKey":"","sentAt":"","batch":[]}') - len(KEY) - 20
    data = b'{"a":"%b"}' % (b"x" * (32_768 - frame + more))
    found = outcomes(place, [*deliveries(1), Delivery(2, make_event(1, data=data)), *deliveries(3)])
    refused = Refused(reason="has 32,769 bytes as a call; Segment takes 32,768")
    assert found == [DELIVERED, refused if more else DELIVERED, DELIVERED]


def test_what_is_not_for_segment() -> None:
    """Events of nobody are passed over, one that Python cannot read is refused; their neighbours go on."""
    # deeper than any version of Python follows
    deep = emitted(2, context=b'{"deep":' + b"[" * 200_000 + b"]" * 200_000 + b"}")
    wanted = [Delivery(1, emitted(1, user_id=None)), Delivery(2, deep), *deliveries(3)]
    place = Place()
    refused = Refused(reason="cannot be written as a call: RecursionError")
    assert outcomes(place, wanted) == [FILTERED, refused, DELIVERED]
    assert place.taken == ids(3)
    assert outcomes(place, wanted[:1]) == [FILTERED]
    assert len(place.requests) == 1


def refusing(*bad: int, status: int = 400) -> Plan:
    """Return a plan that refuses whatever holds one of these events."""
    return lambda asked: answer(status if set(ids(*bad)).intersection(asked) else 200)


@pytest.mark.parametrize("status", [400, 413])
def test_a_refused_batch_is_halved(status: int) -> None:
    """Only the event that is at fault dies; the others arrive once, in order."""
    place = Place(refusing(37, status=status))
    found = outcomes(place, deliveries(*range(100)))
    assert found[37] == Refused(reason=f"Segment answered {status}")
    assert found.count(DELIVERED) == 99
    assert place.taken == ids(*(number for number in range(100) if number != 37))
    assert len(place.requests) <= 14
    assert place.asked.count(ids(37)) == 1


def test_a_place_that_takes_only_small_requests() -> None:
    """Everything arrives in smaller ones."""
    place = Place(lambda asked: answer(413 if len(asked) > 30 else 200))
    assert outcomes(place, deliveries(*range(100))) == [DELIVERED] * 100
    assert place.taken == ids(*range(100))


def test_all_refused() -> None:
    """Each alone, once."""
    place = Place(lambda asked: answer(400))
    assert outcomes(place, deliveries(1, 2, 3)) == [Refused(reason="Segment answered 400")] * 3
    assert [asked for asked in place.asked if len(asked) == 1] == [ids(1), ids(2), ids(3)]


@pytest.mark.parametrize(
    "reply",
    [
        answer(429, headers={"Retry-After": "7"}),
        answer(503),
        Failed(fault=Fault.RESET, detail="gone"),
        Failed(fault=Fault.LOCAL, detail="no file descriptors"),
    ],
)
def test_the_first_that_must_wait_holds_those_behind(reply: Answer | Failed) -> None:
    """What arrived before counts; the failed request's events are tried again, those behind were not tried."""
    place = Place(lambda asked: reply if "event-120" in asked else answer())
    found = outcomes(place, deliveries(*range(250)))
    assert found[:100] == [DELIVERED] * 100
    assert all(isinstance(outcome, Retry) for outcome in found[100:200])
    assert found[200:] == [Unsent()] * 50
    assert len(place.requests) == 2


def test_waiting_within_a_halved_batch() -> None:
    """What was taken before counts; nothing is sent behind what must wait."""
    plan = lambda asked: answer(413 if len(asked) > 2 else 503 if "event-2" in asked else 200)  # noqa: E731
    place = Place(plan)
    found = outcomes(place, deliveries(*range(8)))
    assert found[:2] == [DELIVERED] * 2
    assert found[2:4] == [Retry(reason="Segment answered 503")] * 2
    assert found[4:] == [Unsent()] * 4
    assert place.taken == ids(0, 1)


def test_a_wrong_key_buries_nothing() -> None:
    """All events stay where they are and spend no attempt; one request is enough to find out."""
    place = Place(lambda asked: answer(401))
    found = outcomes(place, deliveries(*range(250)))
    assert found == [Unsent(rest_s=30.0, reason="Segment answered 401; check write_key")] * 250
    assert len(place.requests) == 1


def test_a_long_send_ends_early() -> None:
    """After a second no further request is begun: what arrived is written down first, and a stop is near."""
    place = Place()
    found = outcomes(place, deliveries(*range(250)), step_s=0.5)
    assert found == [DELIVERED] * 200 + [Unsent()] * 50
    assert place.taken == ids(*range(200))


def test_each_attempt_is_the_same_but_for_its_time() -> None:
    """So Segment can tell that it has them."""
    place = Place(lambda asked: answer(503))
    outcomes(place, deliveries(1, 2))
    outcomes(place, [Delivery(1, make_event(1), 2), *deliveries(2)])
    first, second = place.bodies()
    assert first["batch"] == second["batch"]
    assert ids_of(place.requests[0]) == ids(1, 2)


def test_the_client_belongs_to_one_opening() -> None:
    """A new one each time it opens, closed when it closes; without one nothing is sent."""
    place = Place()
    segment = make_segment(place)

    async def scenario() -> None:
        with pytest.raises(DestinationError):
            await segment.send(deliveries(1))
        for _ in range(2):
            await segment.open(None)
            await segment.send(deliveries(1))
            await segment.close()

    asyncio.run(scenario())
    assert [client.closed for client in place.clients] == [True, True]
    assert segment.checkpoint() is None


def test_the_schedule() -> None:
    """From half a second to a minute, for about 12 hours."""
    delays_s = schedule_of(SegmentSettings(write_key=KEY)).delays_s
    assert list(delays_s[:9]) == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    assert sum(delays_s) == pytest.approx(12 * 3_600, rel=0.01)
