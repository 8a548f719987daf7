"""The hooks of a process: installed, replaced, asked from many threads."""

import os
import threading
from collections.abc import Iterator

import pytest

from tests.webfilters.tools import DATA, ENROLLMENT, Asked, changes, declare, fails, hook
from trackside.webfilters import Filtered, has_hooks, install, installed, webfilter


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = installed()
    yield
    install(before)


def test_without_hooks_nothing_is_asked_and_the_data_is_what_was_given() -> None:
    """The very object, whatever is in it."""
    install(None)
    data = {"user": object()}
    assert webfilter(ENROLLMENT, data=data) == Filtered(data, {}, None)
    assert webfilter(ENROLLMENT.name, data=data).data is data


def test_whether_anybody_is_asked_is_known_before() -> None:
    """So that nobody gathers data in vain: no query, no serialising."""
    install(None)
    assert not has_hooks(ENROLLMENT)
    asked = Asked(hook("a", mode="shadow"))
    install(asked.webfilters)
    assert has_hooks(ENROLLMENT.name)
    asked.webfilters.use([hook("a", mode="off")])
    assert not has_hooks(ENROLLMENT.name)
    assert asked.receivers.requests == []


def test_installed_hooks_are_asked() -> None:
    """By the name of the point or the point itself."""
    asked = Asked(hook(), crm=changes(mode="x"))
    assert install(asked.webfilters) is None
    assert installed() is asked.webfilters
    assert webfilter(ENROLLMENT.name, data=DATA).changes == {"mode": "x"}
    assert webfilter(ENROLLMENT, DATA).changes == {"mode": "x"}
    assert install(None) is asked.webfilters


def test_hooks_that_are_off_or_not_enabled_are_nobody() -> None:
    """As if there were none: not even a record."""
    asked = Asked(hook("a", enabled=False), hook("b", mode="off"), hook("c", point="elsewhere"))
    assert asked.ask().question_id is None
    assert asked.questions == []


def test_hooks_are_replaced_while_the_process_runs() -> None:
    """From the next question on."""
    asked = Asked(hook("a"))
    asked.ask()
    asked.webfilters.use([hook("b")])
    asked.ask()
    asked.webfilters.use([])
    asked.ask()
    assert asked.receivers.batches == [["a"], ["b"]]


def test_a_point_declared_after_the_hooks_has_them() -> None:
    """The order of imports does not matter."""
    asked = Asked(hook(point="test.later*"))
    point = declare("test.later", sends={"a": int})
    asked.ask({"a": 1}, point)
    assert asked.bodies[0]["a"] == 1


def test_a_forked_process_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the parent knew of receivers, and who it was trying, stays with it; a lock it held holds nobody."""
    asked = Asked(hook(failure_cache_s=0), crm=fails())
    for _ in range(6):
        asked.ask()
    assert len(asked.receivers.requests) == 5
    [endpoint] = asked.webfilters._means.endpoints._by_url.values()
    endpoint._lock.acquire()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    asked.ask()
    assert len(asked.receivers.requests) == 6


def test_many_threads_ask_while_hooks_change() -> None:
    """Every question is answered by the old hooks or the new ones."""
    asked = Asked(hook("a", cache_s=1), hook("b"), a=changes(mode="x"), b=changes(mode="x"))
    found: list[object] = []

    def ask() -> None:
        found.extend(asked.webfilters.ask(ENROLLMENT, DATA).changes for _ in range(200))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(50):
        asked.webfilters.use([hook("ab"[number % 2])])
    for thread in threads:
        thread.join()
    assert found == [{"mode": "x"}] * 800
