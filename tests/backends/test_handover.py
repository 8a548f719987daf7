"""What every backend with a thread of its own relies on."""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from trackside.backends.handover import Delay, Handover
from trackside.telemetry import catalogue

Item = tuple[int, str]
Deliver = Callable[[Sequence[Item]], Delay | None]


@pytest.fixture(autouse=True)
def _own_counters() -> Iterator[None]:
    catalogue.BACKEND_DROPPED.reset()
    yield
    catalogue.BACKEND_DROPPED.reset()


def dropped(reason: str) -> float:
    return catalogue.BACKEND_DROPPED.value("test", reason)


def handover(
    deliver: Deliver, *, queue_bytes: int = 1_000_000, exit_timeout_s: float = 0.05
) -> Handover[Item]:
    return Handover("test", deliver, queue_bytes=queue_bytes, exit_timeout_s=exit_timeout_s)


def test_everything_is_delivered_in_order() -> None:
    """What many puts hand over arrives in groups, in the order of one thread's puts."""
    got: list[str] = []
    queue = handover(lambda group: got.extend(text for _, text in group))
    for number in range(5_000):
        assert queue.put((10, str(number)))
    assert queue.flush(10)
    assert got == [str(number) for number in range(5_000)]


def test_no_thread_before_the_first_entry() -> None:
    """Making one starts nothing: a process may still fork."""
    before = threading.active_count()
    queue = handover(lambda _: None)
    assert threading.active_count() == before
    queue.put((1, "x"))
    assert queue.flush(5)
    assert threading.active_count() == before + 1


def test_it_sleeps_and_wakes() -> None:
    """After a rest the next entry is delivered as the first was."""
    got: list[str] = []
    queue = handover(lambda group: got.extend(text for _, text in group))
    for text in ("a", "b", "c"):
        queue.put((1, text))
        assert queue.flush(5)
    assert got == ["a", "b", "c"]


def test_from_many_threads_nothing_is_lost() -> None:
    """Sixteen threads hand over at once."""
    got: list[str] = []
    queue = handover(lambda group: got.extend(text for _, text in group), queue_bytes=100_000_000)

    def put(name: int) -> None:
        for number in range(500):
            assert queue.put((100, f"{name}-{number}"))

    threads = [threading.Thread(target=put, args=(name,)) for name in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert queue.flush(10)
    assert sorted(got) == sorted(f"{name}-{number}" for name in range(16) for number in range(500))


def test_a_full_queue_refuses_and_counts(caplog: pytest.LogCaptureFixture) -> None:
    """Beyond its bytes nothing is taken; each loss is counted, the log gets a single line for now."""
    release = threading.Event()
    held: list[str] = []

    def deliver(group: Sequence[Item]) -> Delay | None:
        release.wait(10)
        held.extend(text for _, text in group)
        return None

    queue = handover(deliver, queue_bytes=1_000)
    with caplog.at_level(logging.ERROR):
        taken = [text for text in map(str, range(50)) if queue.put((100, text))]
    assert len(taken) == 10
    assert dropped("queue_full") == 40
    assert len(caplog.records) == 1
    release.set()
    assert queue.flush(5)
    assert held == taken
    assert queue.put((100, "there is room again"))
    assert queue.flush(5)


def test_even_the_largest_passes_alone() -> None:
    """An entry larger than the bound is taken where nothing else waits."""
    got: list[str] = []
    queue = handover(lambda group: got.extend(text for _, text in group), queue_bytes=100)
    assert queue.put((1_000, "large"))
    assert queue.flush(5)
    assert got == ["large"]


def test_a_delay_keeps_the_order_and_is_tried_again() -> None:
    """What could not be passed on goes before what came later."""
    got: list[str] = []
    failures = iter((True, True, False))

    def deliver(group: Sequence[Item]) -> Delay | None:
        def again() -> Delay | None:
            if next(failures, False):
                return Delay("the disk is full", again)
            got.extend(text for _, text in group)
            return None

        return again()

    queue = handover(deliver)
    queue.put((1, "first"))
    queue.put((1, "second"))
    assert queue.flush(5)
    assert got == ["first", "second"]


def test_a_backend_that_raises_loses_its_group_and_goes_on() -> None:
    """A fault of ours is counted, and does not end the thread."""
    got: list[str] = []

    def deliver(group: Sequence[Item]) -> Delay | None:
        if group[0][1] == "bad":
            raise KeyError("bad")
        got.extend(text for _, text in group)
        return None

    queue = handover(deliver)
    queue.put((1, "bad"))
    assert queue.flush(5)
    queue.put((1, "good"))
    assert queue.flush(5)
    assert got == ["good"]
    assert dropped("refused") == 1


def test_at_exit_the_rest_is_passed_on() -> None:
    """What waits when the process ends is delivered first."""
    got: list[str] = []
    queue = handover(lambda group: got.extend(text for _, text in group), exit_timeout_s=5)
    queue.put((1, "x"))
    queue._finish()
    assert got == ["x"]
    queue.put((1, "even later"))
    assert got == ["x", "even later"]


def test_at_exit_what_cannot_go_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    """With a dead disk the process ends all the same, and says how many events that cost."""

    def never() -> Delay | None:
        return Delay("the disk is full", never)

    queue = handover(lambda _: never())
    for number in range(7):
        queue.put((1, str(number)))
    with caplog.at_level(logging.ERROR):
        queue._finish()
    assert dropped("exit") == 7
    assert "the disk is full" in caplog.text
    queue._pid = -1  # let its thread end


def test_a_forked_child_begins_with_nothing() -> None:
    """What waits belongs to the parent; the child hands over to a thread of its own."""
    release = threading.Event()
    got: list[str] = []

    def deliver(group: Sequence[Item]) -> Delay | None:
        release.wait(10)
        got.extend(text for _, text in group)
        return None

    queue = handover(deliver)
    queue.put((1, "the parent's"))
    pid = os.fork()
    if not pid:
        release.set()
        queue.put((1, "the child's"))
        os._exit(0 if queue.flush(5) and got == ["the child's"] else 1)
    release.set()
    assert queue.flush(5)
    assert got == ["the parent's"]
    assert os.waitpid(pid, 0)[1] == 0
