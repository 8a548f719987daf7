"""Times signals of Open edX in one process: `trackside FOLDER CASE COUNT` or `openedx-webhooks URL WEBHOOKS COUNT`.

Runs in the baseline's environment, which has both; prints what it found as JSON.
"""

import json
import logging
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
"""Between two signals, as other work of a request is: the log's thread gets its turn."""


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


def found(call: Callable[[], object], count: int, pause_s: float = PAUSE_S) -> dict[str, float]:
    """Return the median and the p99 of a call in ms, and its queries."""
    with CaptureQueriesContext(connection) as seen:
        call()
    queries = sum("trackside" in each["sql"] or "webhook" in each["sql"] for each in seen.captured_queries)
    times_ms = []
    for _ in range(count):
        began = time.perf_counter_ns()
        call()
        times_ms.append((time.perf_counter_ns() - began) / 1e6)
        time.sleep(pause_s)
    p99 = statistics.quantiles(times_ms, n=100)[98] if count > 1 else times_ms[0]
    return {"median_ms": statistics.median(times_ms), "p99_ms": p99, "queries": queries}


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
    """Return what a signal costs: by itself, and in a transaction that writes one row."""
    apps = () if case == "framework" else ("trackside.django", "trackside.openedx")
    on_commit = "memory" if case == "memory" else "outbox"
    table = {"data_dir": f"{folder}/log", "signals": {"on_commit": on_commit}, "outbox": {"relay": "thread"}}
    set_up(folder, *apps, TRACKSIDE=table)
    from django.contrib.auth.models import Group
    from openedx_events.learning.signals import COURSE_ENROLLMENT_CREATED as SIGNAL  # noqa: N811

    data, number = enrollment(), iter(range(10**9))

    def send() -> None:
        SIGNAL.send_event(enrollment=data)

    def write(*, sending: bool) -> None:
        with transaction.atomic():
            Group.objects.create(name=f"group {next(number)} {time.time_ns()}")
            if sending:
                send()

    return {
        "alone": found(send, count),
        "row": found(lambda: write(sending=False), count),
        "row and signal": found(lambda: write(sending=True), count),
    }


def openedx_webhooks(url: str, webhooks: int, count: int) -> dict[str, dict[str, float]]:
    """Return what a signal costs with so many webhooks."""
    set_up("", "openedx_webhooks")
    from openedx_events.learning.signals import COURSE_ENROLLMENT_CREATED as SIGNAL  # noqa: N811
    from openedx_webhooks.models import Webhook
    from openedx_webhooks.receivers import course_enrollment_created_receiver

    SIGNAL.connect(course_enrollment_created_receiver)
    for _ in range(webhooks):
        Webhook.objects.create(event="COURSE_ENROLLMENT_CREATED", webhook_url=url)
    data = enrollment()
    return {"alone": found(lambda: SIGNAL.send_event(enrollment=data), count)}


if __name__ == "__main__":
    _, whose, where, which, times = sys.argv
    made = (
        trackside(where, which, int(times))
        if whose == "trackside"
        else openedx_webhooks(where, int(which), int(times))
    )
    print(json.dumps(made))
