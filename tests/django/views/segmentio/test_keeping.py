"""What is answered 200 is kept; what cannot be kept now is answered 503, so that Segment sends it again."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import InterfaceError, OperationalError
from pytest_django import DjangoAssertNumQueries, Settings

from tests.django.conftest import Emitted
from tests.django.views.segmentio.conftest import post
from tests.sources.segment_webhook.requests import Accounts, call, properties
from trackside.backends.log import LogBackend
from trackside.django.segment_webhook import receiving
from trackside.django.user_directory import DjangoUsers
from trackside.django.views.segmentio import track_segmentio_event
from trackside.emitted import commit_waiters
from trackside.errors import StorageError
from trackside.log.base import Unavailable
from trackside.routing import RoutingBackend
from trackside.telemetry import catalogue
from trackside.tracker import TRACKERS, Tracker
from trackside.users.base import NotLoadedError, User, UsersUnavailable, Wanted

pytestmark = pytest.mark.usefixtures("site")

AWAY = [UsersUnavailable("away"), OperationalError("away"), InterfaceError("away")]


class _Waiting:
    """A backend that keeps events: what becomes of each it knows before."""

    def __init__(self, *outcomes: bool) -> None:
        self.outcomes = list(outcomes)
        self.timeouts: list[float] = []

    def send(self, event: Any) -> None:
        """Begin to keep."""
        waiters = commit_waiters()
        assert waiters is not None
        waiters.append(_Waiter(self.outcomes.pop(0), self.timeouts))


class _Waiter:
    def __init__(self, outcome: bool, timeouts: list[float]) -> None:
        self.outcome = outcome
        self.timeouts = timeouts

    def wait(self, timeout_s: float) -> bool:
        self.timeouts.append(timeout_s)
        return self.outcome


def track_with(monkeypatch: pytest.MonkeyPatch, **backends: Any) -> Tracker:
    tracker = Tracker(backends)
    monkeypatch.setitem(TRACKERS, "default", tracker)
    return tracker


def check_later(answer: Any, reason: str) -> None:
    assert (answer.status_code, answer.content, answer["Retry-After"]) == (503, b"", "5")
    assert catalogue.REQUESTS_SHED.values() == {(reason,): 1.0}
    assert catalogue.REQUESTS.values() == {("segmentio", "503"): 1.0}
    assert catalogue.EVENTS_REJECTED.values() == {}


def test_all_events_of_a_request_are_waited_for_together(
    site: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And within one time."""
    site.TRACKSIDE = {"tracker": {"durable_timeout_s": 2.0}}
    keeping = _Waiting(True, True, True)
    track_with(monkeypatch, keeping=keeping)
    assert post([call(), call(), call()]).status_code == 200
    assert len(keeping.timeouts) == 3
    assert 0 < keeping.timeouts[2] <= keeping.timeouts[1] <= keeping.timeouts[0] <= 2.0


def test_one_event_that_is_not_kept_brings_all_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are kept already are known by their ids when they come again."""
    track_with(monkeypatch, keeping=_Waiting(True, False))
    check_later(post([call(), call(), 5][:2]), "log_unavailable")


def test_nothing_keeps_so_nothing_is_waited_for(emitted: Emitted) -> None:
    """A logger, as the platform has it, is all there is."""
    assert post(call()).status_code == 200
    assert len(emitted) == 1


class _Full:
    """A log on a disk that is full."""

    def commit_now(self, batches: Any) -> list[Unavailable]:
        """Keep nothing."""
        return [Unavailable("the disk is full")] * len(batches)


def test_a_full_disk(site: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is waited for only so long."""
    site.TRACKSIDE = {"tracker": {"durable_timeout_s": 0.05}}
    full: Any = _Full()
    track_with(monkeypatch, log=LogBackend(log=full))
    check_later(post(call()), "log_unavailable")


def test_an_event_sent_again_is_stored_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a log is behind it; durable when the sender has its answer."""
    backend = LogBackend(tmp_path / "data")
    track_with(monkeypatch, nested=RoutingBackend({"log": backend}))
    for _ in range(2):
        assert post(call()).status_code == 200
    assert post(call(messageId=...)).status_code == 200
    events = backend.log.read(0).events
    assert [event.id for event in events][:1] == ["mmm"]
    assert len(events) == 2
    assert events[0].user_id == "10"
    assert events[0].decoded_context()["received_at"] == "2024-05-06T07:08:11.456000+00:00"


def test_rejects_are_kept_beside_the_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the platform's sentence, and the body where its sender had the key."""
    backend = LogBackend(tmp_path / "data")
    track_with(monkeypatch, nested=RoutingBackend({"log": backend}))
    body = call(properties=properties(data=...))
    assert post(body).status_code == 200
    assert post(body, query="key=wrong").status_code == 401
    assert backend.flush(10)
    kept = [each.reject for each in backend.log.rejects()]
    assert [(each.source, each.reason, each.detail) for each in kept] == [
        ("segmentio", "unauthorized", "Unauthorized"),
        (
            "segmentio",
            "missing_data",
            "The data field must be specified in the properties dictionary",
        ),
    ]
    assert [each.body for each in kept] == [b"", json.dumps(body).encode()]


@pytest.mark.parametrize("error", AWAY, ids=lambda error: type(error).__name__)
def test_users_that_cannot_be_looked_up(
    error: Exception, users: Accounts, emitted: Emitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever they are, the database knows them later."""

    def load(_: Collection[Wanted]) -> None:
        raise error

    monkeypatch.setattr(users, "load", load)
    check_later(post(call()), "users_unavailable")
    assert emitted == []


class _Forgetful(Accounts):
    """A directory that never remembers whom it looked up."""

    def user(self, user_id: object) -> User | None:
        """Know nobody."""
        raise NotLoadedError(Wanted("id", 10))


def test_users_that_are_forgotten_at_once(emitted: Emitted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Are looked up so many times and no more."""
    forgetful = _Forgetful()
    monkeypatch.setattr(receiving, "directory", lambda _: forgetful)
    check_later(post(call()), "users_unavailable")
    assert len(forgetful.questions) == receiving.MOST_LOOKUPS


def test_who_calls_the_function_is_told_too(
    users: Accounts, monkeypatch: pytest.MonkeyPatch, rf: Any
) -> None:
    """That an event is not kept is none of the platform's errors."""
    track_with(monkeypatch, keeping=_Waiting(False))
    request = rf.post("/")
    request.json = call()
    with pytest.raises(StorageError, match="cannot be kept"):
        track_segmentio_event(request)


@pytest.mark.django_db
def test_a_user_costs_one_query_and_then_none(
    emitted: Emitted,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    """The site's own users, whatever their names are."""
    directory = DjangoUsers()
    monkeypatch.setattr(receiving, "directory", lambda _: directory)
    user = get_user_model().objects.create_user("verified")
    for queries in (1, 0, 0):
        with django_assert_num_queries(queries):
            assert post(call(userId=str(user.pk))).status_code == 200
    with django_assert_num_queries(1):
        assert post(call(userId=user.pk + 1)).status_code == 200
    assert [event["context"]["username"] for event in emitted] == ["verified"] * 3
    assert [event["context"]["user_id"] for event in emitted] == [user.pk] * 3
    assert catalogue.EVENTS_REJECTED.values() == {("segmentio", "unknown_user"): 1.0}
