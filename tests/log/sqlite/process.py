"""What other processes do to a log in tests: `python -m tests.log.sqlite.process WHAT DIRECTORY …`."""

import os
import resource
import sys
from pathlib import Path

from trackside.config.settings import LogSettings
from trackside.event import Batch
from trackside.log.base import Committed, Receipt, Unavailable, append_and_wait
from trackside.log.sqlite import SQLiteLog
from trackside.testing.log_values import append, make_event


def write(directory: str, first: str, count: str) -> None:
    """Append events one by one without waiting; print each number once it is acknowledged."""
    log = SQLiteLog(Path(directory), LogSettings())
    for number in range(int(first), int(first) + int(count)):

        def done(receipt: Receipt, number: int = number) -> None:
            if isinstance(receipt, Committed):
                os.write(1, f"{number}\n".encode())

        log.append(Batch(events=(make_event(number),)), done)
    log.close()


def overlap(directory: str, first: str, count: str) -> None:
    """Append events in batches of 50, and say how many were stored."""
    log = SQLiteLog(Path(directory), LogSettings())
    numbers = range(int(first), int(first) + int(count))
    stored = 0
    for start in range(0, len(numbers), 50):
        stored += append(log, *map(make_event, numbers[start : start + 50])).stored
    print(stored)
    log.close()


def fill(directory: str) -> None:
    """Append until no file may grow, then again once they may."""
    log = SQLiteLog(Path(directory), LogSettings())
    append(log, make_event(0))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    number, refused = 1, 0
    while refused < 3:  # the first refusal may still leave room in the other file
        receipt = append_and_wait(log, Batch(events=[make_event(number, data=_noise())]))
        number += isinstance(receipt, Committed)
        refused = refused + 1 if isinstance(receipt, Unavailable) else 0
    print(number, receipt)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    print(append(log, make_event(number), make_event(number - 1)))
    log.close()


def _noise() -> bytes:
    return b'"' + os.urandom(2_000).hex().encode() + b'"'


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write", directory, first, count]:
            write(directory, first, count)
        case ["overlap", directory, first, count]:
            overlap(directory, first, count)
        case ["fill", directory]:
            fill(directory)
        case unknown:
            sys.exit(f"unknown: {unknown}")
