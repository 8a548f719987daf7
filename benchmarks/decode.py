"""CPU time of decoding: a request to events, without the server around it.

Run: python -m benchmarks.decode
"""

import functools
import json
import random
import time
import timeit
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from benchmarks.lib import client_events
from benchmarks.lib.events import MESSAGE_ID
from trackside.config.settings import LimitSettings
from trackside.sources.base import Decoded, Request, Source
from trackside.sources.browser import Browser, BrowserSettings
from trackside.sources.client_clock import AppRtc, AppRtcSettings
from trackside.sources.segment_api import SegmentApi
from trackside.users.anybody import Anybody

SENT_AT = "2026-11-20T19:24:55.250Z"
HEADERS = {b"authorization": b"Basic VEVTVFdSSVRFS0VZOg==", b"content-type": b"text/plain"}


def event(number: int) -> dict[str, object]:
    """Return a page's event of about 1.3 KB, as analytics.js sends it."""
    page = "https://example.org/courses/course-v1:edX+DemoX+2024/courseware/week1/"
    return {
        "timestamp": "2026-11-20T19:24:55.219Z",
        "integrations": {},
        "event": "edx.course.enrollment.activated",
        "type": "track",
        "properties": {
            "course_id": "course-v1:edX+DemoX+2024",
            "mode": "audit",
            "step": number,
            "note": "x" * 250,
        },
        "context": {
            "page": {"path": page[19:], "referrer": page, "search": "?a=1", "title": "Week 1", "url": page},
            "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML) Chrome/156.0.0.0 ...",
            "userAgentData": {"brands": [{"brand": "Chromium", "version": "156"}], "mobile": False},
            "locale": "en-US",
            "library": {"name": "analytics.js", "version": "next-1.84.3"},
            "timezone": "UTC",
        },
        "messageId": f"ajs-next-1795202695219-7f53bcbf-cc69-4205-99d1-{number:012d}",
        "userId": f"user-{number}",
        "anonymousId": "9b4f4f0e-5a4b-4a8e-8f44-0c8f8c3a1f11",
        "writeKey": "TESTWRITEKEY",
        "_metadata": {"bundled": ["Segment.io"], "unbundled": [], "bundledIds": []},
    }


def request(path: str, body: object, client_ip: str | None = "203.0.113.7") -> Request:
    """Return a request of an SDK with `body` as JSON."""
    text = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
    return Request(
        method="POST",
        path=path,
        query=b"",
        headers=HEADERS,
        body=text,
        received_at=datetime(2026, 11, 20, 19, 24, 55, 300_000, tzinfo=UTC),
        client_ip=client_ip,
    )


def different_contexts(events: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return the events, each with a context of its own."""
    return [
        {**each, "context": {**each["context"], "number": number}}  # type: ignore[dict-item]
        for number, each in enumerate(events)
    ]


def microseconds(call: Callable[[], object], events: int) -> float:
    """Return the CPU time of one event in the best of several rounds."""
    number = max(1, 20_000 // events)
    rounds = timeit.repeat(call, number=number, repeat=7, timer=time.process_time)
    return min(rounds) / number / events * 1e6


def client_cases() -> list[tuple[str, Source, Request]]:
    """Return requests of pages and of clients with their own clock, with the headers of a page."""
    limits = LimitSettings()
    pages = Browser("pages", BrowserSettings(origins=("*",)), limits=limits, directory=Anybody())
    rtc = AppRtc("rtc", AppRtcSettings(), limits=limits)
    source = random.Random(0)
    kinds = (
        ("browser event, form", pages, "/event", client_events.browser_form, client_events.FORM),
        ("browser event, beacon", pages, "/event", client_events.browser_beacon, client_events.PLAIN),
        ("own clock", rtc, "/a/", client_events.report, client_events.PLAIN),
    )
    headers = dict(each.split(": ", 1) for each in client_events.PAGE_HEADERS)
    return [
        (
            name,
            decoder,
            msgspec.structs.replace(
                request(path, make(source).replace(MESSAGE_ID, "message-1").encode()),
                headers={
                    **{key.lower().encode(): value.encode() for key, value in headers.items()},
                    b"content-type": content_type.encode(),
                },
            ),
        )
        for name, decoder, path, make, content_type in kinds
    ]


def main() -> None:
    """Print a line for each shape of request."""
    source = SegmentApi({"TESTWRITEKEY": "web"}, limits=LimitSettings())
    fifty = [event(number) for number in range(50)]
    single = {**event(1), "sentAt": SENT_AT}
    batch = {"batch": fifty, "sentAt": SENT_AT, "writeKey": "TESTWRITEKEY"}
    odd = {**batch, "batch": [*fifty[:49], {**fifty[49], "userId": 7}]}
    nan = json.dumps({**batch, "batch": [*fifty[:49], {**fifty[49], "properties": {"n": float("nan")}}]})
    long = {**batch, "batch": [event(number) for number in range(300)]}
    cases = [
        ("single", request("/v1/t", single), 1),
        ("single, address unknown", request("/v1/t", single, None), 1),
        ("batch of 50", request("/v1/batch", batch), 50),
        (
            "batch of 50, contexts differ",
            request("/v1/batch", {**batch, "batch": different_contexts(fifty)}),
            50,
        ),
        ("batch of 300", request("/v1/batch", long), 300),
        ("batch of 50, one userId a number", request("/v1/batch", odd), 50),
        ("batch of 50, one NaN", request("/v1/batch", nan.encode()), 50),
        (
            "batch of 50, shared context",
            request("/v1/batch", {**batch, "context": {"app": {"name": "a"}}}),
            50,
        ),
    ]
    all_cases: list[tuple[str, Source, Request, int]] = [(name, source, each, n) for name, each, n in cases]
    all_cases += [(name, decoder, each, 1) for name, decoder, each in client_cases()]
    for name, decoder, each, events in all_cases:
        decoded = decoder.decode(each)
        if not isinstance(decoded, Decoded) or len(decoded.events) != events:
            raise SystemExit(f"{name}: not {events} events but {decoded}")
        spent = microseconds(functools.partial(decoder.decode, each), events)
        print(f"{name:34} {len(each.body) // events:5d} bytes/event {spent:7.2f} us/event")


if __name__ == "__main__":
    main()
