"""Requests that wait for their users: one question for many, everybody answered once, nobody waits for long."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Collection
from typing import Any

import pytest

from trackside.server.lookups import MOST_WAITING, TIMEOUT_S, Lookups
from trackside.sources.base import NeedsUsers
from trackside.users.base import User, UsersUnavailable, Wanted


class Slow:
    """A directory whose every question waits until the test lets it through; `outcome` is raised then."""

    def __init__(self) -> None:
        self.questions: list[frozenset[Wanted]] = []
        self.outcome: BaseException | None = None
        self.at_once = False
        self.asked = threading.Semaphore(0)
        self.let_through = threading.Semaphore(0)

    def user(self, user_id: object) -> User | None:
        """Not asked here."""
        raise NotImplementedError

    def named(self, username: str) -> User | None:
        """Not asked here."""
        raise NotImplementedError

    def load(self, wanted: Collection[Wanted]) -> None:
        """Wait, then do as the test said."""
        self.questions.append(frozenset(wanted))
        self.asked.release()
        if not self.at_once:
            assert self.let_through.acquire(timeout=30)
        if self.outcome is not None:
            raise self.outcome


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose clock the test sets: nobody sleeps for a timeout."""

    late_s = 0.0

    def time(self) -> float:
        """Return the time as the test has it."""
        return super().time() + self.late_s


class Waiting:
    """Requests, and what they were told, in order."""

    def __init__(self) -> None:
        self.lookups = Lookups()
        self.told: list[tuple[Any, bool]] = []
        self.changed = asyncio.Event()

    def join(self, directory: Any, number: Any, *more: Any) -> bool:
        """Have a request wait for some users."""
        wanted = frozenset(Wanted("id", each) for each in (number, *more))

        def then(loaded: bool) -> None:
            self.told.append((number, loaded))
            self.changed.set()

        return self.lookups.look_up(NeedsUsers(directory=directory, wanted=wanted, source="mobile"), then)

    async def until(self, count: int) -> None:
        """Return once so many were told."""
        while len(self.told) < count:
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), 20)


Test = Callable[[Waiting, Slow, Loop], Awaitable[None]]


def run(test: Test) -> list[tuple[Any, bool]]:
    """Run a test in a loop of its own; return who was told what."""

    async def whole() -> list[tuple[Any, bool]]:
        waiting, directory = Waiting(), Slow()
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Loop)
        try:
            await test(waiting, directory, loop)
        finally:
            for _ in range(20):
                directory.let_through.release()
        return waiting.told

    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(whole())


async def asked(directory: Slow) -> None:
    """Return once the directory is being asked a further question."""
    assert await asyncio.to_thread(directory.asked.acquire, True, 30)


async def turn() -> None:
    """Let everything that is due in the loop happen."""
    for _ in range(5):
        await asyncio.sleep(0)


def ids(question: frozenset[Wanted]) -> list[Any]:
    """Return the ids a question asks for."""
    return sorted(each.value for each in question)


def test_who_arrives_together_asks_one_question() -> None:
    """And is told in the order of arrival."""

    async def test(waiting: Waiting, directory: Slow, loop: Loop) -> None:
        for number in range(50):
            assert waiting.join(directory, number, number % 7)
        await asked(directory)
        directory.let_through.release()
        await waiting.until(50)
        assert [ids(each) for each in directory.questions] == [list(range(50))]

    assert run(test) == [(number, True) for number in range(50)]


def test_who_arrives_meanwhile_asks_the_next_question() -> None:
    """The directory is asked one question at a time, however many arrive."""

    async def test(waiting: Waiting, directory: Slow, loop: Loop) -> None:
        waiting.join(directory, 1)
        await asked(directory)
        for number in (2, 3, 4):
            waiting.join(directory, number)
            await turn()
        assert len(directory.questions) == 1
        directory.let_through.release()
        await asked(directory)
        assert waiting.told == [(1, True)]
        directory.let_through.release()
        await waiting.until(4)
        assert [ids(each) for each in directory.questions] == [[1], [2, 3, 4]]

    assert run(test) == [(1, True), (2, True), (3, True), (4, True)]


def test_two_directories_do_not_wait_for_each_other() -> None:
    """One that hangs costs the other's users nothing."""

    async def test(waiting: Waiting, directory: Slow, loop: Loop) -> None:
        other = Slow()
        other.at_once = True
        waiting.join(directory, "hangs")
        await asked(directory)
        waiting.join(other, "quick")
        await waiting.until(1)

    assert run(test)[0] == ("quick", True)


@pytest.mark.parametrize(
    ("outcome", "level"),
    [
        (UsersUnavailable("users.db cannot be read"), logging.WARNING),
        (OSError("a defect"), logging.ERROR),
        (SystemError("a worse one"), logging.ERROR),
    ],
    ids=["unavailable", "OSError", "SystemError"],
)
def test_a_directory_that_fails(outcome: BaseException, level: int, caplog: pytest.LogCaptureFixture) -> None:
    """Everybody who waits is told; the next question is asked all the same."""

    async def test(waiting: Waiting, directory: Slow, loop: Loop) -> None:
        directory.at_once = True
        directory.outcome = outcome
        waiting.join(directory, 1)
        waiting.join(directory, 2)
        await waiting.until(2)
        directory.outcome = None
        waiting.join(directory, 3)
        await waiting.until(3)

    assert run(test) == [(1, False), (2, False), (3, True)]
    assert [record.levelno for record in caplog.records] == [level]
    assert "Users cannot be looked up" in caplog.text


def test_nobody_waits_longer_than_segment_does() -> None:
    """While a directory hangs, each is told in time: who came first, who came meanwhile, who came after that."""

    async def test(waiting: Waiting, directory: Slow, loop: Loop) -> None:
        waiting.join(directory, "first")
        await asked(directory)
        loop.late_s += TIMEOUT_S / 2
        waiting.join(directory, "meanwhile")
        await turn()
        loop.late_s += TIMEOUT_S / 2
        await waiting.until(1)
        assert waiting.told == [("first", False)]
        waiting.join(directory, "later")
        await turn()
        loop.late_s += TIMEOUT_S / 2
        await waiting.until(2)
        loop.late_s += TIMEOUT_S / 2
        await waiting.until(3)
        assert len(directory.questions) == 1

    assert run(test) == [("first", False), ("meanwhile", False), ("later", False)]


def test_a_second_question_does_not_begin_the_time_anew() -> None:
    """Who waited for one question most of the time waits for the next one only as long as is left."""

    async def test(waiting: Waiting, directory: Slow, loop: Loop) -> None:
        waiting.join(directory, "first")
        await asked(directory)
        waiting.join(directory, "second")
        loop.late_s += TIMEOUT_S * 0.9
        await turn()
        directory.let_through.release()
        await waiting.until(1)
        await asked(directory)
        loop.late_s += TIMEOUT_S * 0.2
        await waiting.until(2)

    assert run(test) == [("first", True), ("second", False)]


def test_a_directory_that_comes_back() -> None:
    """Its late answer is told to nobody twice; who waits by then has its question asked."""

    async def test(waiting: Waiting, directory: Slow, loop: Loop) -> None:
        waiting.join(directory, "too late")
        await asked(directory)
        loop.late_s += TIMEOUT_S
        await waiting.until(1)
        waiting.join(directory, "in time")
        await turn()
        directory.let_through.release()
        await asked(directory)
        directory.let_through.release()
        await waiting.until(2)
        assert [ids(each) for each in directory.questions] == [["too late"], ["in time"]]

    assert run(test) == [("too late", False), ("in time", True)]


def test_only_so_many_wait() -> None:
    """Each holds its request in memory: who comes then is turned away at once, until there is room again."""

    async def test(waiting: Waiting, directory: Slow, loop: Loop) -> None:
        assert all(waiting.join(directory, number) for number in range(MOST_WAITING // 2))
        await asked(directory)
        assert all(waiting.join(directory, number) for number in range(MOST_WAITING // 2, MOST_WAITING))
        assert not waiting.join(directory, "too many")
        directory.let_through.release()
        await waiting.until(MOST_WAITING // 2)
        assert waiting.join(directory, "room again")
        directory.at_once = True
        directory.let_through.release()
        await waiting.until(MOST_WAITING + 1)

    told = run(test)
    assert [number for number, _ in told] == [*range(MOST_WAITING), "room again"]
    assert all(loaded for _, loaded in told)


def test_one_request_that_cannot_be_answered_keeps_nobody_waiting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its client is gone, say: the others are told as ever, and so is who comes next."""

    async def test(waiting: Waiting, directory: Slow, loop: Loop) -> None:
        def gone(loaded: bool) -> None:
            raise asyncio.InvalidStateError("nobody waits for this any more")

        directory.at_once = True
        needs = NeedsUsers(directory=directory, wanted=frozenset(), source="mobile")
        waiting.lookups.look_up(needs, gone)
        waiting.join(directory, 1)
        await waiting.until(1)
        directory.at_once = False
        waiting.lookups.look_up(needs, gone)
        waiting.join(directory, 2)
        await asked(directory)
        await asked(directory)
        loop.late_s += TIMEOUT_S
        await waiting.until(2)

    assert run(test) == [(1, True), (2, False)]
    assert caplog.text.count("A request could not be answered") == 2


def test_no_thread_to_ask_in(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Where the system has no thread left, who waits is told at once, and the next ones ask again."""

    async def test(waiting: Waiting, directory: Slow, loop: Loop) -> None:
        def refuse(*_: Any, **__: Any) -> Any:
            raise RuntimeError("can't start new thread")

        directory.at_once = True
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            waiting.join(directory, 1)
            await waiting.until(1)
        waiting.join(directory, 2)
        await waiting.until(2)

    assert run(test) == [(1, False), (2, True)]
    assert "Users cannot be looked up" in caplog.text


def test_a_loop_that_was_closed() -> None:
    """A server that stops waits for no directory; its late answer harms nothing."""
    directories: list[Slow] = []

    async def leave() -> None:
        directory = Slow()
        directories.append(directory)
        Waiting().join(directory, 1)
        await asked(directory)

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(leave())
    (thread,) = [each for each in threading.enumerate() if each.name == "trackside-users"]
    directories[0].let_through.release()
    thread.join(30)
    assert not thread.is_alive()
