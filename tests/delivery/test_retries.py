"""Dead letters tried again at a place that keeps an order."""

from tests.delivery.tools import Recorder, deliver, fill, state_of
from trackside.config.settings import LogSettings
from trackside.destinations.base import DELIVERED, Refused, Retry
from trackside.log.memory import MemoryLog


def test_those_behind_one_that_waits_keep_their_attempts() -> None:
    """One that must wait again lets the place rest; those behind it are not tried meanwhile and lose no attempt."""
    log = MemoryLog(LogSettings())
    fill(log, [1, 2, 3])
    recorder = Recorder(ordered=True)
    recorder.script = lambda delivery: Refused(reason="not yet")
    timing = deliver(log, recorder, lambda: state_of(log).dead == 3)
    recorder.attempts.clear()
    recorder.script = lambda delivery: Retry(reason="busy") if len(recorder.attempts) < 2 else DELIVERED
    log.subscription("place").retry_dead(None, now=timing.now())
    deliver(log, recorder, lambda: state_of(log).delivered == 3, timing=timing)
    assert recorder.attempts == [(1, 1), (2, 1), (3, 1), (1, 2), (2, 2)]
    log.close()
