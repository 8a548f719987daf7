"""The relay in the background: woken by a commit, patient with trouble, gone with its process."""

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from tests.django.outbox.databases import ALIAS
from tests.django.outbox.shop import Shop
from trackside import tracker
from trackside.django.outbox import emitting, relay_thread
from trackside.django.outbox.relay import Relay, Step
from trackside.django.outbox.relay_thread import Lookout, Pacer, RelayThread, follow
from trackside.django.outbox.settings import OutboxSettings, current
from trackside.telemetry import catalogue


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, RelayThread]]:
    """The threads of this process, as outside of tests: Django's list of mails is what tells a test."""
    monkeypatch.delattr(mail, "outbox", raising=False)
    yield emitting._threads
    for thread in emitting._threads.values():
        thread.stop()
    emitting._threads.clear()


def test_a_commit_wakes_the_thread(shop: Shop, threads: dict[str, RelayThread]) -> None:
    for number in range(3):
        with transaction.atomic(ALIAS):
            shop.sell(f"item {number}")
        assert shop.log.wait(number, 10)
    assert shop.logged() == ["item 0", "item 1", "item 2"]
    assert list(threads) == [ALIAS]


def test_stopping_moves_what_was_committed(shop: Shop, threads: dict[str, RelayThread]) -> None:
    with transaction.atomic(ALIAS):
        shop.sell("apple")
    threads[ALIAS].stop()
    assert shop.logged() == ["apple"]
    assert shop.waiting() == 0
    assert "trackside-relay" not in [thread.name for thread in threading.enumerate()]


def test_one_step_moves_what_several_transactions_left(
    shop: Shop, threads: dict[str, RelayThread], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread waits for company; who stops it does not wait for that."""
    moved: list[int] = []
    drain = Relay.drain

    def count(self: Relay, **named: Any) -> Step:
        step = drain(self, **named)
        moved.append(step.moved)
        return step

    monkeypatch.setattr(Relay, "drain", count)
    monkeypatch.setattr(relay_thread, "LINGER_S", 60)
    for name in ("apple", "pear", "plum"):
        with transaction.atomic(ALIAS):
            shop.sell(name)
    assert shop.logged() == []
    threads[ALIAS].stop()
    assert shop.logged() == ["apple", "pear", "plum"]
    assert moved == [3]


def test_nothing_starts_before_the_first_commit_with_events(
    shop: Shop, threads: dict[str, RelayThread]
) -> None:
    tracker.emit("at once", on_commit=True)
    with transaction.atomic(ALIAS):
        shop.sold()
    assert threads == {}


def test_it_looks_for_what_a_killed_process_left(
    shop: Shop, threads: dict[str, RelayThread], settings: Any
) -> None:
    settings.TRACKSIDE = {"outbox": {"database": ALIAS, "relay": "command"}}
    with transaction.atomic(ALIAS):
        shop.sell("left behind")
    assert threads == {}
    thread = RelayThread(OutboxSettings(database=ALIAS, poll_interval_s=0.05))
    thread.wake()
    assert shop.log.wait(0, 10)
    with transaction.atomic(ALIAS):
        shop.sell("left too")
    assert shop.log.wait(1, 10)
    thread.stop()


def test_a_child_of_a_fork_starts_a_thread_of_its_own(
    shop: Shop, threads: dict[str, RelayThread], monkeypatch: pytest.MonkeyPatch
) -> None:
    thread = RelayThread(current())
    thread.wake()
    first = thread._thread
    child = os.getpid() + 1
    monkeypatch.setattr(os, "getpid", lambda: child)
    thread.wake()
    assert thread._thread is not first
    thread.stop()
    monkeypatch.undo()
    assert first is not None
    first.join(0)  # in a real child it does not exist


def test_a_database_that_is_away_is_tried_again(
    shop: Shop, threads: dict[str, RelayThread], monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = threading.Event()
    drain = Relay.drain

    def fail_once(self: Relay, **named: Any) -> Step:
        if not failed.is_set():
            failed.set()
            raise OSError("away")
        return drain(self, **named)

    monkeypatch.setattr(Relay, "drain", fail_once)
    with transaction.atomic(ALIAS):
        shop.sell("apple")
    assert shop.log.wait(0, 10)
    assert failed.is_set()


def test_following_keeps_the_numbers_right(
    shop: Shop, connection: BaseDatabaseWrapper, settings: Any
) -> None:
    settings.TRACKSIDE = {"outbox": {"database": ALIAS, "relay": "command"}}
    with transaction.atomic(ALIAS):
        shop.sell("apple")
    catalogue.OUTBOX_WAITING.set(7)
    pauses: list[float] = []

    def wait(seconds: float) -> bool:
        pauses.append(seconds)
        return len(pauses) == 2

    follow(current(), interval_s=0.5, wait=wait)
    assert shop.logged() == ["apple"]
    assert catalogue.OUTBOX_WAITING.value() == 0
    assert all(0.375 <= pause <= 0.625 for pause in pauses)


def test_a_lookout_whose_database_does_not_answer_says_so(
    database: Any, caplog: pytest.LogCaptureFixture
) -> None:
    lookout = Lookout(OutboxSettings(database="nowhere"))
    assert lookout.look() is None
    assert "could not work" in caplog.text


def test_pauses_grow_with_trouble_and_stay_short_while_another_relay_works() -> None:
    pacer = Pacer(15, jitter=lambda: 0.5)
    assert pacer.after(Step(moved=3)) == 15
    assert [pacer.after(None) for _ in range(4)] == [0.05, 0.1, 0.2, 0.4]
    assert pacer.after(Step(left=1)) == 0.8
    for _ in range(10):
        pacer.after(None)
    assert pacer.after(None) == 30
    assert pacer.after(Step(busy=True)) == 1
    assert pacer.after(Step()) == 15
    assert pacer.after(Step(busy=True)) == 0.05
