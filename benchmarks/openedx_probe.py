"""Times signals of Open edX in one process: `trackside FOLDER CASE COUNT` or `openedx-webhooks URL WEBHOOKS COUNT`.

Runs in the baseline's environment, which has both; prints what it found as JSON.
"""

import json
import logging
import random
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

import django

PAUSE_S = 0.0005
"""Between two signals where they are not back to back: the log's thread gets its turn, and the caches get cold.

On average: with the same pause each time, that thread would always meet the same one of the calls that take turns.
"""


def enrollment() -> Any:
    """Return the data of an enrolment."""
    from opaque_keys.edx.keys import CourseKey
    from openedx_events.learning.data import CourseData, CourseEnrollmentData, UserData, UserPersonalData

    return CourseEnrollmentData(
        user=UserData(
            id=7, is_active=True, pii=UserPersonalData(username="zoe", email="u@example.org", name="Zoë")
        ),
        course=CourseData(
            course_key=CourseKey.from_string("course-v1:edX+DemoX+2026"), display_name="Demonstration"
        ),
        mode="verified",
        is_active=True,
        creation_date=datetime(2026, 1, 2, tzinfo=UTC),
    )


def found(count: int, pause_s: float = PAUSE_S, **calls: Callable[[], object]) -> dict[str, dict[str, float]]:
    """Return, for each call, its median and p99 in ms, its CPU, and its queries; the calls take turns.

    So all find the processor in the same state: a thread that writes a log has run in between.
    """
    times_ms: dict[str, list[float]] = {name: [] for name in calls}
    cpu_ms, queries = dict.fromkeys(calls, 0.0), {}
    for name, call in calls.items():
        with CaptureQueriesContext(connection) as seen:
            call()
        queries[name] = sum("trackside" in q["sql"] or "webhook" in q["sql"] for q in seen.captured_queries)
    for _ in range(count):
        for name, call in calls.items():
            cpu_began, began = time.thread_time_ns(), time.perf_counter_ns()
            call()
            times_ms[name].append((time.perf_counter_ns() - began) / 1e6)
            cpu_ms[name] += (time.thread_time_ns() - cpu_began) / 1e6
            if pause_s:
                time.sleep(2 * pause_s * random.random())
    return {
        name: {
            "median_ms": statistics.median(times),
            "p99_ms": statistics.quantiles(times, n=100)[98],
            "cpu_ms": cpu_ms[name] / count,
            "queries": queries[name],
        }
        for name, times in times_ms.items()
    }


def idle(**_: Any) -> None:
    """Receive a signal, and do nothing."""


def set_up(folder: str, *apps: str, **others: Any) -> None:
    """Start a platform with these apps."""
    settings.configure(
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "openedx_events", *apps],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": f"{folder}/host.sqlite3" if folder else ":memory:",
                "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"},
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        LOGGING={},
        USE_TZ=True,
        **others,
    )
    django.setup()
    logging.disable(logging.CRITICAL)
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def trackside(folder: str, case: str, count: int) -> dict[str, dict[str, float]]:
    """Return what a signal costs: one that is no event, one that is, and a transaction without and with one."""
    signals = {"on_commit": case, "ignore": ["org.openedx.learning.course.enrollment.changed.v1"]}
    set_up(
        folder,
        "trackside.django",
        "trackside.openedx",
        TRACKSIDE={"data_dir": f"{folder}/log", "signals": signals},
    )
    from django.contrib.auth.models import Group
    from openedx_events.learning.signals import COURSE_ENROLLMENT_CHANGED, COURSE_ENROLLMENT_CREATED

    COURSE_ENROLLMENT_CHANGED.connect(idle)
    data, number = enrollment(), iter(range(10**9))

    def send() -> None:
        COURSE_ENROLLMENT_CREATED.send_event(enrollment=data)

    def write(*, sending: bool) -> None:
        with transaction.atomic():
            Group.objects.create(name=f"group {next(number)} {time.time_ns()}")
            if sending:
                send()

    def send_other() -> None:
        COURSE_ENROLLMENT_CHANGED.send_event(enrollment=data)

    return (
        found(count, 0, framework=send_other, alone=send)
        | found(count, framework_paused=send_other, paused=send)
        | found(count, row=lambda: write(sending=False), row_and_signal=lambda: write(sending=True))
    )


def openedx_webhooks(url: str, webhooks: int, count: int) -> dict[str, dict[str, float]]:
    """Return what a signal costs with so many webhooks."""
    set_up("", "openedx_webhooks")
    from openedx_events.learning.signals import COURSE_ENROLLMENT_CREATED
    from openedx_webhooks.models import Webhook
    from openedx_webhooks.receivers import course_enrollment_created_receiver

    COURSE_ENROLLMENT_CREATED.connect(course_enrollment_created_receiver)
    for _ in range(webhooks):
        Webhook.objects.create(event="COURSE_ENROLLMENT_CREATED", webhook_url=url)
    data = enrollment()
    return found(count, 0, alone=lambda: COURSE_ENROLLMENT_CREATED.send_event(enrollment=data))


if __name__ == "__main__":
    _, whose, where, which, times = sys.argv
    made = (
        trackside(where, which, int(times))
        if whose == "trackside"
        else openedx_webhooks(where, int(which), int(times))
    )
    print(json.dumps(made))
