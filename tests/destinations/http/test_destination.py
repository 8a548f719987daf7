"""Batches: how they are cut, what they look like, and what becomes of one that is not taken whole."""

import asyncio
import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from trackside.destinations.base import DELIVERED, Delivery, Gone, Outcome, Refused, Retry, Unsent
from trackside.destinations.connecting import url_problems
from trackside.destinations.http import Http, HttpSettings
from trackside.outbound.base import Answer, Failed, Fault, Outgoing
from trackside.outbound.signing import verify
from trackside.testing.destination_contract import deliveries, make_event
from trackside.testing.outbound import FakeClient, Script, answer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Place:
    """A destination whose requests go nowhere."""

    def __init__(self, script: Script = (), **settings: Any) -> None:
        self.client = FakeClient(script)
        self.at_s = 0.0
        given = HttpSettings(**{"url": "https://lake.example.org/in", "concurrency": 1, **settings})
        self.http = Http(
            given,
            lambda: self.client,
            user_agent="Trackside/1",
            now=lambda: NOW,
            monotonic=lambda: self.at_s,
            random=lambda: 0.5,
        )

    def send(self, batch: Sequence[Delivery]) -> list[Outcome]:
        """Return the outcomes of one `send`."""

        async def scenario() -> list[Outcome]:
            await self.http.open(None)
            return list(await self.http.send(batch))

        return asyncio.run(scenario())

    @property
    def asked(self) -> list[list[str]]:
        """The ids in each request."""
        return [ids_in(request) for request in self.client.requests]


def ids_in(request: Outgoing) -> list[str]:
    body = request.body
    if dict(request.headers).get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    return [json.loads(line)["id"] for line in body.split(b"\n")[:-1]]


def refusing(*bad: str, status: int = 400) -> Script:
    """Return a place that takes no batch with one of these events in it."""

    def reply(request: Outgoing) -> Answer:
        return answer(status if set(bad).intersection(ids_in(request)) else 200)

    return reply


def test_one_json_object_a_line() -> None:
    """The object of the webhook's format json, one event a line, each with its end."""
    place = Place()
    assert place.send(deliveries(1, 2)) == [DELIVERED] * 2
    (request,) = place.client.requests
    first, second, end = request.body.split(b"\n")
    assert end == b""
    assert json.loads(first) == {
        "id": "event-1",
        "name": "Lesson Opened",
        "type": "track",
        "timestamp": "2026-11-20T12:00:01.000001Z",
        "received_at": "2026-11-20T12:00:01.000001Z",
        "source": "web",
        "user_id": "1",
        "anonymous_id": None,
        "data": {},
        "context": {},
    }
    assert json.loads(second)["id"] == "event-2"
    headers = dict(request.headers)
    assert headers["Content-Type"] == "application/x-ndjson"
    assert headers["User-Agent"] == "Trackside/1"


def test_batches_are_cut_by_number_and_by_size() -> None:
    """Neither limit is exceeded, unless one event alone does."""
    place = Place(batch_events=2)
    place.send(deliveries(1, 2, 3))
    assert place.asked == [["event-1", "event-2"], ["event-3"]]
    long = make_event(2, data=b'{"x":"' + b"y" * 2_000 + b'"}')
    place = Place(batch_bytes=1_024)
    outcomes = place.send([*deliveries(1), Delivery(2, long), *deliveries(3, 4)])
    assert outcomes == [DELIVERED] * 4
    assert place.asked == [["event-1"], ["event-2"], ["event-3", "event-4"]]


def test_line_ends_between_tokens_do_not_end_a_line() -> None:
    """A source whose JSON has line ends costs nobody else a line."""
    place = Place()
    place.send([Delivery(1, make_event(1, data=b'{"a":\n1}')), *deliveries(2)])
    assert place.asked == [["event-1", "event-2"]]


def test_the_key_is_that_of_the_events() -> None:
    """The same events give the same key however often they are sent; others, or another order, another."""

    def key(*numbers: int) -> str:
        place = Place()
        place.send(deliveries(*numbers))
        return dict(place.client.requests[0].headers)["idempotency-key"]

    assert key(1, 2) == key(1, 2)
    assert len({key(1, 2), key(2, 1), key(1), key(1, 2, 3)}) == 4


def test_a_signature_covers_the_bytes_that_are_sent() -> None:
    """Also where they are compressed."""
    place = Place(secret=SECRET, gzip=True)
    place.send(deliveries(*range(50)))
    (request,) = place.client.requests
    headers = dict(request.headers)
    assert headers["Content-Encoding"] == "gzip"
    assert headers["webhook-id"] == headers["idempotency-key"]
    assert verify(request.body, headers, secrets=[SECRET], now_s=NOW.timestamp())
    assert len(ids_in(request)) == 50


@pytest.mark.parametrize("status", [400, 413])
def test_the_one_bad_event_is_found(status: int) -> None:
    """It is a dead letter; everything else of its batch arrives, once."""
    place = Place(refusing("event-5", status=status))
    outcomes = place.send(deliveries(*range(1, 9)))
    assert isinstance(outcomes[4], Refused)
    assert outcomes[4].reason.startswith(f"answered {status}")
    assert [o for n, o in enumerate(outcomes) if n != 4] == [DELIVERED] * 7
    taken = [ids for ids in place.asked if "event-5" not in ids]
    assert sorted(each for ids in taken for each in ids) == sorted(
        f"event-{n}" for n in range(1, 9) if n != 5
    )


def test_a_place_that_refuses_everything_makes_no_dead_letters() -> None:
    """It is being changed, or configured wrongly: that is not the fault of a thousand events."""
    place = Place([answer(400)])
    outcomes = place.send(deliveries(*range(1, 101)))
    assert (
        outcomes == [Retry(reason="takes no event at all: answered 400 Bad Request")] * 10 + [Unsent()] * 90
    )
    for _ in range(2):
        *_, left = place.send(deliveries(*range(11, 101)))
    assert isinstance(left, Unsent)
    assert left.rest_s > 0
    assert left.reason == "takes no event at all: answered 400 Bad Request"


def test_small_batches_are_no_way_around_that() -> None:
    """What was refused before counts, until something is taken."""
    place = Place([answer(400)])
    for number in range(1, 10):
        assert isinstance(place.send(deliveries(number))[0], Refused)
    assert isinstance(place.send(deliveries(10))[0], Retry)
    place = Place(refusing(*(f"event-{n}" for n in range(1, 20) if n != 5)))
    outcomes = [place.send(deliveries(n))[0] for n in range(1, 15)]
    assert not any(isinstance(outcome, Retry) for outcome in outcomes[:14])


@pytest.mark.parametrize(
    "reply",
    [
        answer(500),
        answer(404),
        answer(401),
        answer(301),
        Failed(fault=Fault.UNREACHABLE, detail="nobody there"),
    ],
    ids=lambda reply: str(getattr(reply, "status", "no answer")),
)
def test_other_answers_are_tried_again(reply: Answer | Failed) -> None:
    """The batch is not halved: its events say nothing about why."""
    place = Place([reply], batch_events=3)
    outcomes = place.send(deliveries(*range(1, 31)))
    assert place.asked[0] == ["event-1", "event-2", "event-3"]
    assert len(place.client.requests) == 3  # as many as until probing
    assert all(isinstance(outcome, Retry) for outcome in outcomes[:9])
    assert all(isinstance(outcome, Unsent) and outcome.rest_s > 0 for outcome in outcomes[9:])


def test_one_event_finds_out_whether_the_place_is_back() -> None:
    """An outage spends an attempt of a few events, not of everything that waits."""
    replies: list[Answer] = [answer(500)] * 3
    place = Place(lambda request: replies.pop(0) if replies else answer(), batch_events=5)
    place.send(deliveries(*range(1, 21)))
    place.at_s = 10.0
    outcomes = place.send(deliveries(*range(1, 11)))
    assert outcomes == [DELIVERED] * 10
    assert [len(ids) for ids in place.asked[3:]] == [1, 5, 4]


def test_what_failed_comes_again_in_smaller_batches() -> None:
    """One event that makes a place fail ends up alone, and its neighbours arrive."""
    place = Place(refusing("event-3", status=500), batch_events=16, failures_until_probing=1_000)
    outcomes: list[Outcome] = [Retry(reason="")] * 16
    for attempt in range(1, 5):
        waiting = [n for n, outcome in enumerate(outcomes, 1) if isinstance(outcome, Retry)]
        again = [replace(each, attempt=attempt) for each in deliveries(*waiting)]
        for each, outcome in zip(waiting, place.send(again), strict=True):
            outcomes[each - 1] = outcome
    assert [n for n, outcome in enumerate(outcomes, 1) if outcome != DELIVERED] == [3]


def test_retry_after_is_heeded_with_everything() -> None:
    """So long nothing more is sent, however much waits; but no longer than the settings allow."""
    place = Place([answer(429, headers={"Retry-After": "90"})], batch_events=1, longest_retry_after_s=60)
    first, *rest = place.send(deliveries(1, 2, 3))
    assert first == Retry(reason="answered 429 Too Many Requests")
    assert rest == [Unsent(rest_s=60, reason="answered 429 Too Many Requests")] * 2
    assert len(place.client.requests) == 1


def test_410_pauses() -> None:
    place = Place([answer(410)], batch_events=1)
    first, second = place.send(deliveries(1, 2))
    assert isinstance(first, Gone)
    assert second == Unsent()


def test_a_forbidden_address_spends_no_attempt() -> None:
    """The configuration is wrong, not the event."""
    place = Place([Failed(fault=Fault.REFUSED_ADDRESS, detail="10.0.0.1 is private")])
    (outcome,) = place.send(deliveries(1))
    assert isinstance(outcome, Unsent)
    assert outcome.rest_s > 0


def test_batches_go_side_by_side() -> None:
    """As many as the settings allow, and no more."""
    under_way = most = 0

    async def slowly(request: Outgoing) -> Answer:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return answer()

    place = Place(slowly, batch_events=1, concurrency=3)
    assert place.send(deliveries(*range(1, 20))) == [DELIVERED] * 19
    assert most == 3


def test_a_long_send_is_ended() -> None:
    """So that what was sent is written down; the rest comes again at once."""

    def reply(request: Outgoing) -> Answer:
        place.at_s += 1.5
        return answer()

    place = Place(reply, batch_events=1)
    assert place.send(deliveries(1, 2, 3, 4)) == [DELIVERED, DELIVERED, Unsent(), Unsent()]


@pytest.mark.parametrize("name", ["Idempotency-Key", "content-encoding", "Content-Type", "webhook-id"])
def test_headers_that_receivers_rely_on(name: str) -> None:
    """Settings cannot take their place."""
    settings = HttpSettings(url="https://lake.example.org/", headers={name: "x"})
    (problem,) = url_problems(settings)
    assert name in problem
