"""One `requests.post` a webhook, one after the other, as openedx-webhooks sends: URL COUNT WEBHOOKS.

Prints what it took as JSON.
"""

import json
import statistics
import sys
import time

import requests

PAYLOAD = {
    "openedx_events.learning.data.CourseEnrollmentData": {
        "course": {"course_key": "course-v1:edX+DemoX+2024"},
        "mode": "verified",
        "text": "What was enrolled in. " * 24,
    },
    "event_metadata": {"event_type": "org.openedx.learning.course.enrollment.created.v1", "minorversion": 0},
}


def main() -> None:
    """Post, and print."""
    url, count, webhooks = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    requests.post(url, json=PAYLOAD, timeout=10)
    calls_ms = []
    began_s, cpu_s = time.perf_counter(), time.process_time()
    for _ in range(count):
        started = time.perf_counter_ns()
        for _ in range(webhooks):
            requests.post(url, json=PAYLOAD, timeout=10)
        calls_ms.append((time.perf_counter_ns() - started) / 1e6)
    posts = count * webhooks
    print(
        json.dumps(
            {
                "cpu_us": (time.process_time() - cpu_s) / posts * 1e6,
                "per_s": posts / (time.perf_counter() - began_s),
                "call_ms": statistics.median(calls_ms),
            }
        )
    )


main()
