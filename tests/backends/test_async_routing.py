"""Events on their way to a worker, and what the worker does with them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from unittest.mock import MagicMock, patch
from uuid import UUID

import celery
import pytest

from trackside import tracker
from trackside.backends import async_routing
from trackside.backends.async_routing import AsyncRoutingBackend
from trackside.backends.tasks import send_event, send_events, send_inside
from trackside.emitted.identity import event_id, sending_as
from trackside.errors import ConfigurationError
from trackside.processors.exceptions import EventEmissionExit, NoBackendEnabled
from trackside.routing import RoutingBackend
from trackside.telemetry import catalogue
from trackside.tracker import Tracker

AT = datetime(2026, 11, 3, 9, 30, 15, 120_000, tzinfo=UTC)
EVENT = {"name": "edx.x", "timestamp": AT, "data": {"a": 1}, "context": {"user_id": 7}}


class Kept:
    """Remembers what it was sent, after failing so many times."""

    mutates = False

    def __init__(self, failures: int = 0) -> None:
        self.events: list[Any] = []
        self.ids: list[str | None] = []
        self.failures = failures

    def send(self, event: Any) -> None:
        """Take it or fail."""
        if self.failures:
            self.failures -= 1
            raise ConnectionError("away")
        self.events.append(event)
        self.ids.append(event_id())


@pytest.fixture(autouse=True)
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[celery.Celery]:
    """An application without a broker, and no tracker of another test."""
    catalogue.BACKEND_DROPPED.reset()
    monkeypatch.setattr(tracker, "TRACKERS", {})
    app = celery.Celery("tests", broker="memory://", set_as_current=True)
    app.set_default()
    yield app
    app.close()
    catalogue.BACKEND_DROPPED.reset()


def register(backend: Any, name: str = "async") -> None:
    tracker.register_tracker(Tracker(backends={name: backend}))


def test_many_events_share_a_task() -> None:
    """A burst of 250 becomes three tasks of at most a hundred, in order, each event under an id of its own."""
    backend = AsyncRoutingBackend(backend_name="async", backends={"kept": Kept()})
    register(backend)
    with patch.object(send_events, "apply_async") as publish:
        for number in range(250):
            backend.send({**EVENT, "data": {"n": number}})
        assert backend.flush(5)
    batches = [call.args[0] for call in publish.call_args_list]
    assert {name for name, _ in batches} == {"async"}
    assert [len(events) for _, events in batches] == [100, 100, 50]
    events = [json.loads(text) for _, batch in batches for _, text, _ in batch]
    assert [event["data"]["n"] for event in events] == list(range(250))
    assert len({id_ for _, batch in batches for id_, _, _ in batch}) == 250


def test_what_the_worker_gets_is_what_was_sent() -> None:
    """Times, ids and decimals are the same after the way through the broker."""
    kept = Kept()
    backend = AsyncRoutingBackend(backend_name="async", backends={"kept": kept})
    register(backend)
    event = {**EVENT, "data": {"at": AT, "id": UUID(int=5), "n": Decimal("1.50")}}
    with patch.object(send_events, "apply_async") as publish, sending_as("outbox-1"):
        backend.send(event)
        assert backend.flush(5)
    send_events.apply(publish.call_args.args[0]).get()
    assert kept.events == [event]
    assert kept.ids == ["outbox-1"]


def test_what_celery_has_no_json_for() -> None:
    """It is written as everywhere else; what nobody can write is counted."""
    backend = AsyncRoutingBackend(backend_name="async", backends={})
    with patch.object(send_events, "apply_async") as publish:
        backend.send({**EVENT, "data": {"set": {1}, (1, 2): 3}})
        backend.send({**EVENT, "data": {"x": object()}})
        assert backend.flush(5)
    ((_, events),) = (call.args[0] for call in publish.call_args_list)
    ((_, text, _),) = events
    event = async_routing.kombu_json.loads(text)
    assert event["data"] == {"set": [1], "(1, 2)": 3}
    assert event["timestamp"] == AT
    assert catalogue.BACKEND_DROPPED.value("async_routing", "unencodable") == 1


def test_processors_run_where_the_event_is_emitted() -> None:
    """One that ends the event keeps it from the broker."""

    def only_x(event: Any) -> Any:
        if event["name"] != "edx.x":
            raise EventEmissionExit
        return {**event, "seen": True}

    backend = AsyncRoutingBackend(backend_name="async", processors=[only_x])
    with patch.object(send_events, "apply_async") as publish:
        backend.send({**EVENT, "name": "edx.y"})
        backend.send(EVENT)
        assert backend.flush(5)
    ((_, events),) = (call.args[0] for call in publish.call_args_list)
    assert [json.loads(text)["seen"] for _, text, _ in events] == [True]


def test_eager(app: celery.Celery) -> None:
    """Everything has happened when `send` returns."""
    app.conf.task_always_eager = True
    kept = Kept()
    backend = AsyncRoutingBackend(backend_name="async", backends={"kept": kept})
    register(backend)
    backend.send(EVENT)
    assert kept.events == [EVENT]


def test_with_the_task_replaced() -> None:
    """Tests of applications replace `send_event` and look at what it was asked to do."""
    with patch("trackside.backends.async_routing.send_event") as task:
        AsyncRoutingBackend(backend_name="async").send(EVENT)
    task.delay.assert_called_once_with("async", EVENT)


def test_one_event_a_task_for_other_workers() -> None:
    """With `batch_events=1` it is the task that workers know which do not run Trackside."""
    backend = AsyncRoutingBackend(backend_name="async", batch_events=1, batch_wait_s=0)
    with patch.object(send_event, "apply_async") as publish:
        backend.send(EVENT)
        backend.send(EVENT)
        assert backend.flush(5)
    assert send_event.name == "eventtracking.tasks.send_event"
    assert [call.args[0] for call in publish.call_args_list] == [("async", EVENT)] * 2


@pytest.mark.parametrize("failures", [1, 3])
def test_only_what_failed_is_tried_again(failures: int) -> None:
    """The healthy backend gets each event once, the other one until it takes it."""
    healthy, flaky, deep = Kept(), Kept(failures), Kept(failures)
    inner = RoutingBackend(backends={"deep": deep, "healthy": healthy})
    backend = AsyncRoutingBackend(
        backend_name="async", backends={"flaky": flaky, "inner": inner, "ok": healthy}
    )
    register(backend)
    text = async_routing._encoded(EVENT)
    send_events.apply(("async", [["1", text, None], ["2", text, None]]))
    assert sorted(map(str, healthy.ids)) == ["1", "1", "2", "2"]
    assert sorted(map(str, flaky.ids)) == sorted(map(str, deep.ids)) == ["1", "2"]


def test_after_the_last_attempt_it_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    """The task fails for all to see; the event is counted, and the backend named."""
    flaky = Kept(100)
    backend = AsyncRoutingBackend(
        backend_name="async", backends={"flaky": flaky, "ok": Kept()}, max_retries=2
    )
    register(backend)
    result = send_event.apply(("async", dict(EVENT)))
    assert result.state == "FAILURE"
    assert flaky.failures == 97
    assert catalogue.BACKEND_DROPPED.value("async_routing", "retries_exhausted") == 1
    assert "flaky" in caplog.text


def test_backends_that_want_nothing_are_no_failures() -> None:
    """No transformer, no backend enabled, or filtered by a router inside: that is that."""
    nothing = MagicMock()
    nothing.send.side_effect = NoBackendEnabled
    closed = RoutingBackend(backends={"x": Kept(1)}, processors=[MagicMock(side_effect=EventEmissionExit)])
    assert send_inside(RoutingBackend(backends={"a": nothing, "b": closed}), EVENT) == []


def test_an_unknown_backend_is_tried_again() -> None:
    """A worker that is not deployed yet may be the next time."""
    register(Kept(), "another")
    result = send_event.apply(("async", dict(EVENT)))
    assert result.state == "FAILURE"
    assert isinstance(result.result, KeyError)


def test_a_broker_that_is_away() -> None:
    """Events wait, in order, and go once it is back."""
    backend = AsyncRoutingBackend(backend_name="async", batch_wait_s=0)
    with patch.object(
        send_events, "apply_async", side_effect=[ConnectionError, ConnectionError, None]
    ) as publish:
        backend.send(EVENT)
        assert backend.flush(5)
    assert publish.call_count == 3
    assert len({json.dumps(call.args[0]) for call in publish.call_args_list}) == 1
    assert catalogue.BACKEND_DROPPED.values() == {}


def test_without_celery(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setattr(async_routing, "send_event", None)
    with pytest.raises(ConfigurationError, match=r"trackside\[celery\]"):
        AsyncRoutingBackend()
