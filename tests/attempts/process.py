"""What other processes do to a store in tests: `python -m tests.attempts.process WHAT DIRECTORY …`."""

import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.attempts.tools import opened, settle
from trackside.attempts.base import Ending, Query
from trackside.errors import StorageError
from trackside.telemetry import catalogue
from trackside.testing.attempt_contract import ending, sending

LONG = 1_500


def die(directory: str, ended: str, begun: str) -> None:
    """Record so many attempts, begin some more, and be killed at once."""
    attempts = opened(Path(directory))
    attempts.start()
    recorder = attempts.recorder("crm")
    for number in range(1, int(ended) + 1):
        recorder.end(recorder.begin(sending(number)), ending(500))
    for number in range(int(ended) + 1, int(ended) + int(begun) + 1):
        recorder.begin(sending(number, body=b"exactly %d" % number))
    os.kill(os.getpid(), signal.SIGKILL)


def write(directory: str) -> None:
    """Record attempts until killed; say before each ends that it has begun."""
    attempts = opened(Path(directory))
    attempts.start()
    recorder = attempts.recorder("crm")
    number = 0
    while True:
        number += 1
        key = recorder.begin(sending(number))
        if key is None:
            number -= 1
            time.sleep(0.001)
            continue
        os.write(1, b"%d\n" % number)
        recorder.end(key, ending())


def fill(directory: str, count: str) -> None:
    """Record attempts while no file may grow, then once they may; print what became of them."""
    attempts = opened(Path(directory), ring_bytes=1_048_576)
    attempts.start()
    recorder = attempts.recorder("crm")
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    slowest_s, before_kb = 0.0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(1, int(count) + 1):
        before = time.perf_counter()
        recorder.end(recorder.begin(sending(number, body=bytes(LONG))), Ending(outcome="gone", duration_s=0))
        slowest_s = max(slowest_s, time.perf_counter() - before)
    refused = 0
    try:
        settle(attempts)
    except StorageError:
        refused = 1
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    settle(attempts)
    kept = len(attempts.page(Query(), limit=10**9).attempts)
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb
    print(refused, kept, int(catalogue.ATTEMPTS_DROPPED.value("crm")), slowest_s, grown_kb)
    attempts.close()


if __name__ == "__main__":
    roles: dict[str, Callable[..., None]] = {"die": die, "write": write, "fill": fill}
    roles[sys.argv[1]](*sys.argv[2:])
