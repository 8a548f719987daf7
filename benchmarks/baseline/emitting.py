"""Emits through one of two libraries of the same interface, and says what it cost: `emitting LIBRARY LOG_FILE`.

Reads one JSON object a line, {"do": a name of DOING, and its arguments}, and answers each with one line of JSON.
"""

import gc
import itertools
import json
import logging
import statistics
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

BURST = 50
"""Emits that are timed together."""
SITE = "https://lms.example.org"
COURSE = "course-v1:edX+DemoX+2024"
PAGE = f"{SITE}/courses/{COURSE}/courseware/d8a6192ade314473a78242dfeedfbf5b/edx_introduction/"
REQUEST = {
    "session": "8d325f8a10b46a820404dce960d1d1a8",
    "user_id": 17,
    "username": "honor",
    "ip": "203.0.113.7",
    "host": "lms.example.org",
    "agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
    "path": "/event",
    "referer": PAGE,
    "accept_language": "en-US,en;q=0.9,de;q=0.8",
    "client_id": "1033501218.1368477899",
    "course_id": COURSE,
    "org_id": "edX",
    "enterprise_uuid": "",
}
PROBLEM = {
    "problem_id": "block-v1:edX+DemoX+2024+type@problem+block@303034da25524878a2e66fb57c91cf85",
    "attempts": 2,
    "success": "correct",
    "grade": 1,
    "max_grade": 1,
    "answers": {
        "303034da25524878a2e66fb57c91cf85_2_1": "choice_1",
        "303034da25524878a2e66fb57c91cf85_3_1": ["a"],
    },
    "correct_map": {
        "303034da25524878a2e66fb57c91cf85_2_1": {
            "correctness": "correct",
            "npoints": None,
            "msg": "",
            "hint": "",
            "hintmode": None,
            "queuestate": None,
            "answervariable": None,
        }
    },
    "state": {"seed": 1, "student_answers": {}, "input_state": {"303034da25524878a2e66fb57c91cf85_2_1": {}}},
}
EVENTS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("problem_check", PROBLEM, {"event_source": "server", "page": "x_module"}),
    (
        "edx.ui.lms.link_clicked",
        {"current_url": PAGE, "target_url": f"{SITE}/courses/{COURSE}/progress", "title": "Überblick"},
        {"event_source": "browser", "page": PAGE},
    ),
    (
        "edx.video.played",
        {"module_id": "i4x://edX/DemoX/video/intro", "code": "mobile", "current_time": 12.5},
        {
            "event_source": "mobile",
            "open_in_browser_url": f"{PAGE}1",
            "application": {"name": "edx.mobileapp.android", "version": "3.1"},
            "client": {
                "library": {"name": "analytics-android", "version": "4"},
                "device": {"manufacturer": "Google", "model": "Pixel 9", "type": "android"},
                "network": {"wifi": True, "carrier": "Example", "cellular": False},
                "screen": {"density": 3, "height": 2400, "width": 1080},
            },
            "component": "videoplayer",
            "received_at": datetime(2026, 11, 20, 7, 8, 11, 456000, tzinfo=UTC),
        },
    ),
    (
        "edx.grades.subsection.grade_calculated",
        {"course_id": COURSE, "user_id": 17, "weighted_total_earned": 3.0, "weighted_total_possible": 4.0}
        | {
            f"detail_{number}": f"block-v1:edX+DemoX+2024+type@problem+block@{number:032x}"
            for number in range(6)
        },
        {"event_source": "server", "page": None},
    ),
]


class Discarding:
    """A backend that does nothing, so that what is measured is what stands before it."""

    def send(self, event: dict[str, Any]) -> None:
        """Forget `event`."""


class Emitting:
    """One library with two trackers: a plain one, and one as the LMS configures it."""

    def __init__(self, library: str, path: Path) -> None:
        self.tracker = import_module(f"{library}.tracker")
        theirs = library == "eventtracking"
        backends = f"{library}.backends" if theirs else library
        router = import_module(f"{backends}.routing").RoutingBackend
        own = import_module(
            "benchmarks.baseline.processors" if theirs else f"{library}.processors.legacy_fields"
        )
        processors: list[Any] = (
            [own.MoveFieldsToTop(), own.RenameVideoEvents()]
            if theirs
            else [
                own.LegacyFieldMappingProcessor(),
                import_module(f"{library}.processors.prefixed").PrefixedEventProcessor(),
            ]
        )
        logger = import_module(f"{library}.backends.logger").LoggerBackend
        segment = import_module(f"{library}.backends.segment").SegmentBackend
        allow = import_module(f"{library}.processors.whitelist").NameWhitelistProcessor
        locator = import_module(f"{library}.locator").ThreadLocalContextLocator
        _log_lines_to(path)
        self.plain = self.tracker.Tracker({"nothing": Discarding()}, locator())
        lines = router({"logger": logger(name="tracking", max_event_size=50_000)}, processors)
        nothing_allowed = router({"segment": segment()}, [allow(whitelist=[])])
        self.lms = self.tracker.Tracker({"tracking_logs": lines, "segmentio": nothing_allowed}, locator())

    def lines(self) -> dict[str, Any]:
        """Emit every kind of event once, at a fixed time."""
        real = self.tracker.datetime

        class Clock:
            @staticmethod
            def now(zone: Any) -> datetime:
                return datetime(2026, 11, 21, 13, 14, 15, 161718, tzinfo=zone)

        self.tracker.datetime = Clock
        for name, data, context in EVENTS:
            with ExitStack() as stack:
                _enter(stack, self.lms, context)
                self.lms.emit(name, data)
        self.tracker.datetime = real
        return {"events": len(EVENTS)}

    def cost(self, tracker: str, count: int) -> dict[str, Any]:
        """Return the µs of CPU of one emit on its thread: the mean over kinds of events of the median burst."""
        chosen = getattr(self, tracker)
        medians = []
        gc.collect()
        for name, data, context in EVENTS:
            with ExitStack() as stack:
                _enter(stack, chosen, context)
                emit = chosen.emit
                bursts = []
                for _ in range(count // len(EVENTS) // BURST):
                    started = time.thread_time_ns()
                    for _ in range(BURST):
                        emit(name, data)
                    bursts.append((time.thread_time_ns() - started) / BURST / 1e3)
                medians.append(statistics.median(bursts))
        return {"us": statistics.mean(medians)}

    def threads(self, tracker: str, threads: int, seconds: float) -> dict[str, Any]:
        """Return emits a second of so many threads together, and how long single ones took."""
        chosen = getattr(self, tracker)
        start = threading.Barrier(threads + 1)
        stop = False
        took: list[list[int]] = [[] for _ in range(threads)]

        def emit_on(mine: list[int]) -> None:
            clock = time.perf_counter_ns
            with ExitStack() as stack:
                _enter(stack, chosen, EVENTS[0][2])
                start.wait()
                for name, data, _ in itertools.cycle(EVENTS):
                    before = clock()
                    chosen.emit(name, data)
                    mine.append(clock() - before)
                    if stop:
                        return

        running = [threading.Thread(target=emit_on, args=(mine,)) for mine in took]
        for thread in running:
            thread.start()
        gc.collect()
        start.wait()
        started = time.perf_counter()
        time.sleep(seconds)
        stop = True
        for thread in running:
            thread.join()
        elapsed = time.perf_counter() - started
        every = sorted(each for mine in took for each in mine)
        return {
            "per_s": len(every) / elapsed,
            "p50_us": every[len(every) // 2] / 1e3,
            "p99_us": every[len(every) * 99 // 100] / 1e3,
            "max_us": every[-1] / 1e3,
        }


def _enter(stack: ExitStack, tracker: Any, context: dict[str, Any]) -> None:
    stack.enter_context(tracker.context("edx.request", REQUEST))
    stack.enter_context(tracker.context("edx.course.server", context))


def _log_lines_to(path: Path) -> None:
    logger = logging.getLogger("tracking")
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False


def main(library: str, path: Path) -> None:
    emitting = Emitting(library, path)
    doing: dict[str, Callable[..., dict[str, Any]]] = {
        "lines": emitting.lines,
        "cost": emitting.cost,
        "threads": emitting.threads,
    }
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(doing[asked.pop("do")](**asked)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
