"""One id for all events of an action."""

from threading import Thread
from types import SimpleNamespace
from uuid import UUID

import pytest

from trackside.django import event_transaction as events
from trackside.django import tasks

ID = "0cbd0f5c-3b1b-4a3f-8e5f-6a1a3ce0a0f7"


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    events.forget()


def test_an_id_is_made_once_and_kept() -> None:
    assert events.get_event_transaction_id() is None
    made = events.create_new_event_transaction_id()
    assert isinstance(made, UUID)
    assert events.get_event_transaction_id() == made
    assert events.create_new_event_transaction_id() != made


def test_an_id_is_carried_over() -> None:
    events.set_event_transaction_id(ID)
    assert events.get_event_transaction_id() == UUID(ID)
    events.set_event_transaction_id(UUID(ID))
    assert events.get_event_transaction_id() == UUID(ID)
    with pytest.raises(ValueError, match="badly formed"):
        events.set_event_transaction_id("nonsense")


def test_a_type_is_kept() -> None:
    assert events.get_event_transaction_type() is None
    events.set_event_transaction_type("edx.grades.problem.submitted")
    assert events.get_event_transaction_type() == "edx.grades.problem.submitted"


def test_another_thread_has_its_own() -> None:
    events.set_event_transaction_id(ID)
    seen: list[UUID | None] = []
    thread = Thread(target=lambda: seen.append(events.get_event_transaction_id()))
    thread.start()
    thread.join()
    assert seen == [None]


def test_nothing_outlives_a_task() -> None:
    """But for one that runs inside its caller."""
    events.set_event_transaction_id(ID)
    tasks._forget(task=SimpleNamespace(request=SimpleNamespace(is_eager=True)))
    assert events.get_event_transaction_id() == UUID(ID)
    tasks._forget(task=SimpleNamespace(request=SimpleNamespace(is_eager=False)))
    assert events.get_event_transaction_id() is None
