"""With Segment's own library, against a server."""

import pytest

from tests.backends.programs import run_program
from tests.backends.segment_server import recorder

pytestmark = pytest.mark.slow

PROGRAM = """
import sys, os
from segment import analytics
from trackside import tracker
from trackside.backends.segment import SegmentBackend
backend = SegmentBackend("a-key", host=sys.argv[1], exit_timeout_s=10)
tracker.register_tracker(tracker.Tracker(backends={"segment": backend}))
with tracker.get_tracker().context("request", {"user_id": 7, "ip": "203.0.113.7"}):
    for n in range(350): tracker.emit(str(n), {"n": n})
"""


def test_nothing_is_left_behind_when_a_program_ends() -> None:
    """The library alone sends the first batch of 350 events and forgets the others."""
    with recorder() as server:
        result = run_program("", server.url, prelude=PROGRAM)
        assert result.returncode == 0, result.stderr
        assert sorted(int(item["event"]) for item in server.taken) == list(range(350))
        ids = {item["messageId"] for item in server.taken}
        assert len(ids) == 350
        item = server.taken[0]
        assert item["userId"] == "7"
        assert item["context"]["ip"] == "203.0.113.7"
        assert item["properties"]["data"] == {"n": int(item["event"])}
        assert item["timestamp"][:19] == item["properties"]["timestamp"][:19]


def test_after_a_fork_the_child_sends_too() -> None:
    """Its library starts anew."""
    program = """
pid = os.fork()
with tracker.get_tracker().context("request", {"user_id": 7}):
    tracker.emit("parent" if pid else "child")
if pid: os.waitpid(pid, 0)
"""
    with recorder() as server:
        result = run_program(program, server.url, prelude=PROGRAM)
        assert result.returncode == 0, result.stderr
        names = [item["event"] for item in server.taken]
        assert names.count("child") == names.count("parent") == 1
        assert len(names) == 352


@pytest.mark.faults
def test_a_dead_server_does_not_hold_up_the_end() -> None:
    """After its time the program ends and says what was lost."""
    program = PROGRAM.replace("exit_timeout_s=10", "exit_timeout_s=0.5")
    with recorder(lambda _: (500, {})) as server:
        result = run_program("", server.url, prelude=program, timeout_s=30)
    assert result.returncode == 0, result.stderr
    assert "events are lost in the backend segment (exit)" in result.stderr
