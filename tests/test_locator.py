"""Locators: each flow of control finds its own contexts."""

import asyncio
import threading
from collections.abc import MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import greenlet  # type: ignore[import-untyped]  # it has no types
import pytest

from trackside.locator import (
    ContextLocator,
    ContextVarLocator,
    DefaultContextLocator,
    ThreadLocalContextLocator,
)
from trackside.tracker import Tracker

ISOLATING = (ContextVarLocator, ThreadLocalContextLocator)


@pytest.mark.parametrize("kind", [*ISOLATING, DefaultContextLocator])
def test_contexts_are_a_mapping_in_the_order_they_were_entered(kind: type[ContextLocator]) -> None:
    located = kind().get()
    assert isinstance(located, MutableMapping)
    located["b"] = {"n": 1}
    located["a"] = {"n": 2}
    located["b"] = {"n": 3}
    assert list(located.items()) == [("b", {"n": 3}), ("a", {"n": 2})]
    assert len(located) == 2
    assert located == {"b": {"n": 3}, "a": {"n": 2}}
    del located["b"]
    assert list(located.values()) == [{"n": 2}]
    with pytest.raises(KeyError):
        del located["b"]
    located.clear()
    assert not located


def test_what_is_shown_of_contexts_is_their_names() -> None:
    located = ContextVarLocator().get()
    located["request"] = {"username": "honor"}
    assert repr(located) == "LocatedContexts(['request'])"


def test_locators_do_not_share_contexts() -> None:
    one, other = ContextVarLocator(), ContextVarLocator()
    one.get()["a"] = {}
    assert not other.get()


@pytest.mark.parametrize("kind", ISOLATING)
def test_a_new_thread_begins_without_contexts(kind: type[ContextLocator]) -> None:
    locator = kind()
    locator.get()["mine"] = {}
    seen: list[list[str]] = []

    def other() -> None:
        seen.append(list(locator.get()))
        locator.get()["theirs"] = {}
        seen.append(list(locator.get()))

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert seen == [[], ["theirs"]]
    assert list(locator.get()) == ["mine"]


def test_the_default_locator_is_one_for_all_threads() -> None:
    locator = DefaultContextLocator()
    locator.get()["mine"] = {}
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: list(locator.get())).result() == ["mine"]


def test_the_name_that_sites_know_has_its_attribute() -> None:
    assert ThreadLocalContextLocator().thread_local_data is None


def test_requests_that_take_turns_on_one_loop_keep_their_own_contexts() -> None:
    tracker = Tracker()

    async def request(user: int, turns: asyncio.Barrier) -> list[Any]:
        seen = []
        with tracker.context("request", {"user_id": user}):
            for _ in range(3):
                await turns.wait()
                seen.append(tracker.resolve_context()["user_id"])
        await turns.wait()
        return [*seen, tracker.resolve_context()]

    async def all_requests() -> list[list[Any]]:
        turns = asyncio.Barrier(5)
        return await asyncio.gather(*(request(user, turns) for user in range(5)))

    assert asyncio.run(all_requests()) == [[user, user, user, {}] for user in range(5)]


def test_what_a_request_starts_knows_its_contexts_and_not_the_other_way_round() -> None:
    tracker = Tracker()

    async def child() -> dict[str, Any]:
        tracker.enter_context("child", {"child": True})
        return tracker.resolve_context()

    async def request() -> None:
        with tracker.context("request", {"user_id": 1}):
            task = asyncio.create_task(child())
            assert await task == {"user_id": 1, "child": True}
            assert await asyncio.to_thread(tracker.resolve_context) == {"user_id": 1}
            assert tracker.resolve_context() == {"user_id": 1}

    asyncio.run(request())


def test_greenlets_of_one_thread_keep_their_own_contexts() -> None:
    """Gevent's greenlets are these: requests that take turns on one thread."""
    tracker = Tracker()

    def request(user: int) -> Any:
        with tracker.context("request", {"user_id": user}):
            greenlet.getcurrent().parent.switch()
            return tracker.resolve_context()

    greenlets = [greenlet.greenlet(request) for _ in range(3)]
    for user, each in enumerate(greenlets):
        each.switch(user)
    assert tracker.resolve_context() == {}
    assert [each.switch() for each in reversed(greenlets)] == [{"user_id": 2}, {"user_id": 1}, {"user_id": 0}]
