"""From a host's log to a server: in order, at least once, whatever the server answers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from tests.backends.segment_server import Answer, Recorder, recorder
from trackside.backends.forward.client import BatchClient, Later
from trackside.backends.forward.forwarder import SUBSCRIPTION, Forwarder
from trackside.backends.forward.wire import to_body, to_item
from trackside.backends.log import LogBackend
from trackside.config.settings import LimitSettings
from trackside.errors import ConfigurationError
from trackside.event import EMITTED_VALUE, Batch, Event
from trackside.log.base import Committed, Log, append_and_wait
from trackside.sources.base import Request
from trackside.sources.segment_api import SegmentApi

AT = datetime(2026, 11, 3, 9, 30, 15, 120_000, tzinfo=UTC)
NOW = AT + timedelta(hours=1)


@pytest.fixture(autouse=True)
def _close_connections() -> Iterator[None]:
    yield
    while clients:
        clients.pop().close()


@pytest.fixture
def backend(tmp_path: Path) -> LogBackend:
    return LogBackend(tmp_path)


def emit(backend: LogBackend, *names: str, **data: Any) -> None:
    for name in names:
        backend.send({"name": name, "timestamp": AT, "data": data, "context": {"user_id": 7}})
    assert backend.flush(5)


clients: list[BatchClient] = []


def forwarder(log: Log, url: str) -> Forwarder:
    clients.append(BatchClient(url, "a-key", timeout_s=5))
    return Forwarder(log, clients[-1], clock=lambda: NOW, random=lambda: 0.5)


def names(server: Recorder) -> list[str]:
    return [item["event"] for item in server.taken]


def refuse(status: int, **headers: str) -> Answer:
    return status, {name.replace("_", "-"): value for name, value in headers.items()}


def test_what_the_server_makes_of_an_event(backend: LogBackend) -> None:
    """Its log has what this one has, but for when it was received and that no clock was corrected."""
    emit(backend, "edx.x", "ünï", a=[1, {"b": None}], text='"\\')
    backend.send({"name": "value", "timestamp": AT, "data": [1], "context": {"user_id": "u", "direct": "no"}})
    signal = {"event_metadata": {"id": "78cd35f8", "sourcelib": [11, 2]}, "from_event_bus": True}
    said = {"data": {"c": 1}, "context": {"user_id": "admin"}, "user_id": "9", "extra": signal}
    backend.send({"name": "signal", "timestamp": AT, **said})
    assert backend.flush(5)
    ours = list(backend.log.read(0).events)
    assert ours[2].extra == EMITTED_VALUE
    assert ours[3].user_id == "9"
    body = to_body([to_item(n, event, event_bytes=65_536, depth=100) for n, event in enumerate(ours)])
    source = SegmentApi({"a-key": "tracker"}, limits=LimitSettings(), forwarders=["tracker"])
    headers = {b"authorization": b"Basic YS1rZXk6"}
    request = Request(
        method="POST",
        path="/v1/batch",
        headers=headers,
        body=body,
        received_at=NOW,
        query=b"",
        client_ip="192.0.2.1",
    )
    decoded = source.decode(request)
    assert decoded.reply.status == 200
    assert not decoded.rejects
    theirs = [
        replace(event, received_at=mine.received_at, original_timestamp=None, clock_flags=())
        for event, mine in zip(decoded.events, ours, strict=True)
    ]
    assert theirs == ours


def test_an_event_of_nobody() -> None:
    """The protocol asks for somebody; the rest is the same."""
    event = Event(
        id="1",
        name="x",
        type="track",
        source="tracker",
        timestamp=AT,
        received_at=AT,
        data=Raw(b"{}"),
        context=Raw(b"{}"),
        extra=Raw(b'{"origin":"tracker"}'),
    )
    item = to_item(1, event, event_bytes=1_000, depth=100)
    assert b'"anonymousId":"nobody"' in item.text


def test_everything_in_order(backend: LogBackend) -> None:
    """Pages go out as batches; the position is kept, so that the next forwarder goes on there."""
    emit(backend, *map(str, range(1_200)))
    with recorder() as server:
        sender = forwarder(backend.log, server.url)
        while len(server.taken) < 1_200:
            sender.step()
        assert names(server) == [str(n) for n in range(1_200)]
        assert server.headers[0]["Authorization"] == "Basic YS1rZXk6"
        emit(backend, "next")
        forwarder(backend.log, server.url).step()
        assert names(server)[1_200:] == ["next"]
    state = backend.log.subscription(SUBSCRIPTION).state()
    assert (state.position, state.delivered, state.dead) == (1_201, 1_201, 0)


@pytest.mark.parametrize(
    ("answer", "at_least_s", "at_most_s"),
    [
        (refuse(503), 0.5, 0.5),
        (refuse(503, Retry_After="7"), 7, 7),
        (refuse(429, Retry_After=format_datetime(datetime.now(UTC) + timedelta(seconds=250))), 60, 250),
        (refuse(429, Retry_After="1e9"), 300, 300),
        (refuse(500, Retry_After="soon"), 0.5, 0.5),
        (refuse(401), 30, 30),
        (refuse(404), 30, 30),
        (refuse(302, Location="http://127.0.0.1:1/"), 30, 30),
        (refuse(400), 30, 30),
        (refuse(202), 30, 30),
    ],
)
def test_answers_that_mean_later(
    backend: LogBackend, answer: Answer, at_least_s: float, at_most_s: float
) -> None:
    """Nothing is lost and nothing passed over; a wrong key or path is not asked for twice a second."""
    emit(backend, "x")
    with recorder(lambda _: answer) as server:
        sender = forwarder(backend.log, server.url)
        assert at_least_s <= sender.step() <= at_most_s
        state = backend.log.subscription(SUBSCRIPTION).state()
        assert (state.position, state.dead) == (0, 0)
        assert state.failing_since == NOW
        server.answer = lambda _: (200, {})
        assert sender.step() == 0
        assert names(server) == ["x"]
    assert backend.log.subscription(SUBSCRIPTION).state().failing_since is None


def test_waits_grow_to_a_minute(backend: LogBackend) -> None:
    """A server that is away for long is asked once a minute."""
    emit(backend, "x")
    sender = forwarder(backend.log, "http://127.0.0.1:1")
    waits = [sender.step() for _ in range(10)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]


@pytest.mark.slow
def test_what_is_refused_is_found_by_halving(backend: LogBackend) -> None:
    """One event that the server does not take costs none of its neighbours; it is kept with its content."""

    def answer(batch: dict[str, Any]) -> Answer:
        return (413, {}) if any(item["event"] == "bad" for item in batch["batch"]) else (200, {})

    emit(backend, *map(str, range(30)), "bad", *map(str, range(30, 60)))
    with recorder(answer) as server:
        forwarder(backend.log, server.url).step()
        assert names(server) == [str(n) for n in range(60)]
        subscription = backend.log.subscription(SUBSCRIPTION)
        (letter,) = subscription.dead_letters()
        assert letter.event.name == "bad"
        assert "413" in letter.reason
        state = subscription.state()
        assert (state.position, state.delivered, state.dead) == (61, 60, 1)
        server.answer = lambda _: (200, {})
        subscription.retry_dead(None, now=NOW)
        forwarder(backend.log, server.url).step()
        assert names(server)[-1] == "bad"
        assert subscription.state().dead == 0
        assert subscription.state().delivered == 61


def test_what_no_server_takes_is_not_sent(backend: LogBackend) -> None:
    """A server answers 200 to what it rejects: too large, too deep. Such events become dead letters here."""
    emit(backend, "large", x="y" * 70_000)
    deep: Any = 1
    for _ in range(120):
        deep = [deep]
    emit(backend, "deep", x=deep)
    emit(backend, "good")
    with recorder() as server:
        forwarder(backend.log, server.url).step()
        assert names(server) == ["good"]
    letters = backend.log.subscription(SUBSCRIPTION).dead_letters()
    assert [letter.event.name for letter in letters] == ["large", "deep"]


def test_events_of_a_server_in_the_same_log_stay(backend: LogBackend) -> None:
    """Only what trackers emitted is forwarded; the account stays right."""
    emit(backend, "ours")
    other = Event(
        id="1",
        name="theirs",
        type="track",
        source="web",
        timestamp=AT,
        received_at=AT,
        data=Raw(b"{}"),
        context=Raw(b"{}"),
    )
    assert isinstance(append_and_wait(backend.log, Batch(events=[other])), Committed)
    with recorder() as server:
        forwarder(backend.log, server.url).step()
        assert names(server) == ["ours"]
    state = backend.log.subscription(SUBSCRIPTION).state()
    assert (state.position, state.delivered, state.filtered) == (2, 1, 1)


def test_a_paused_forwarder_rests(backend: LogBackend) -> None:
    """An operator can stop it."""
    emit(backend, "x")
    backend.log.subscription(SUBSCRIPTION).pause(paused=True)
    with recorder() as server:
        assert forwarder(backend.log, server.url).step() == 1
        assert server.requests == []


def test_a_connection_that_was_closed_meanwhile(backend: LogBackend) -> None:
    """The batch is sent again over a new one at once."""
    with recorder() as server:
        client = BatchClient(server.url, "a-key")
        client.post(b'{"batch":[]}')
        client._connection.sock.close()  # type: ignore[union-attr]
        assert not isinstance(client.post(b'{"batch":[]}'), Later)
        client.close()


@pytest.mark.parametrize(
    "url", ["", "events.example.org", "ftp://x", "https://", "http://h:eighty", "http://[h", "http://h:99999"]
)
def test_wrong_addresses_are_told(url: str) -> None:
    """With the value and what is wanted."""
    with pytest.raises(ConfigurationError, match="url"):
        BatchClient(url, "key")
    with pytest.raises(ConfigurationError, match="write_key"):
        BatchClient("https://events.example.org", "")
