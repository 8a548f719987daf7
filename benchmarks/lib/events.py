"""Events like those learners' phones send: about 1.3 KB of JSON each, all different.

Each is complete both as a call of Segment's HTTP API and as what Segment's webhook posts, so that the same
bytes go to every server. MESSAGE_ID stands where the load generator puts an id of its own into every copy.
"""

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

ACCOUNTS = 1_000
DEVICE_EVENTS = 50
"""So many events in a row come from one device: what an SDK sends as a batch has one context."""
POOL_EVENTS = 10_000
MESSAGE_ID = "\x01"

NAMES = (
    "edx.video.played",
    "edx.video.paused",
    "edx.video.position.changed",
    "edx.bi.app.navigation.screen",
    "edx.bi.app.course.module.viewed",
    "edx.forum.thread.viewed",
)
DEVICES = (
    ("Apple", "iPhone16,2", "iOS", "19.1"),
    ("Google", "Pixel 9", "Android", "16"),
    ("samsung", "SM-S931B", "Android", "15"),
)
CITIES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "America/Sao_Paulo", "Africa/Lagos")
LOCALES = ("en-US", "de-DE", "pt-BR", "hi-IN", "es-419")


def generate(count: int, *, seed: int, now: datetime) -> list[dict[str, Any]]:
    """Return `count` events of the minute before `now`; the same arguments give the same ones."""
    source = random.Random(seed)
    events: list[dict[str, Any]] = []
    while len(events) < count:
        device = _device(source)
        events += [_event(source, now, device) for _ in range(min(DEVICE_EVENTS, count - len(events)))]
    return events


def _event(source: random.Random, now: datetime, device: dict[str, Any]) -> dict[str, Any]:
    happened = now - timedelta(milliseconds=source.randrange(60_000))
    course_id = (
        f"course-v1:Org{source.randrange(40)}+CS{source.randrange(300)}+2026_T{source.randrange(1, 4)}"
    )
    block = f"block-v1:{course_id[10:]}+type@video+block@{source.getrandbits(128):032x}"
    return {
        "messageId": MESSAGE_ID,
        "type": "track",
        "event": source.choice(NAMES),
        "userId": device["userId"],
        "anonymousId": device["anonymousId"],
        "timestamp": _iso(happened),
        "sentAt": _iso(now),
        "receivedAt": _iso(now),
        "properties": _properties(source, course_id, block),
        "context": device["context"],
        "integrations": {},
    }


def _device(source: random.Random) -> dict[str, Any]:
    maker, model, system, version = source.choice(DEVICES)
    library = "analytics-ios" if system == "iOS" else "analytics-android"
    return {
        "userId": str(source.randrange(1, ACCOUNTS + 1)),
        "anonymousId": str(UUID(int=source.getrandbits(128), version=4)),
        "context": {
            "app": {
                "name": "Learn",
                "version": f"6.{source.randrange(4)}.{source.randrange(9)}",
                "build": "4711",
                "namespace": "org.example.learn",
            },
            "device": {
                "id": f"{source.getrandbits(64):016x}",
                "manufacturer": maker,
                "model": model,
                "type": system.lower(),
            },
            "ip": f"203.0.113.{source.randrange(256)}",
            "library": {"name": library, "version": "4.11.4"},
            "locale": source.choice(LOCALES),
            "network": {
                "bluetooth": False,
                "carrier": "Example Mobile",
                "cellular": source.random() < 0.4,
                "wifi": True,
            },
            "os": {"name": system, "version": version},
            "screen": {"density": 3, "height": 2556, "width": 1179},
            "timezone": source.choice(CITIES),
            "userAgent": f"Mozilla/5.0 (Linux; {system} {version}; {model}) AppleWebKit/537.36",
        },
    }


def _properties(source: random.Random, course_id: str, block: str) -> dict[str, Any]:
    return {
        "name": source.choice(NAMES),
        "category": "video",
        "data": {
            "module_id": block,
            "code": "mobile",
            "current_time": round(source.uniform(0, 1_800), 3),
            "duration": source.randrange(60, 1_800),
            "speed": source.choice((0.75, 1.0, 1.25, 1.5, 2.0)),
        },
        "context": {
            "course_id": course_id,
            "app_name": "edx.mobileapp.ios",
            "component": "videoplayer",
            "open_in_browser_url": f"https://lms.example.org/courses/{course_id}/courseware/week{source.randrange(12)}/{source.getrandbits(32):08x}",
        },
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def compact(value: Any) -> str:
    """Return `value` as an SDK sends it: JSON without spaces, the placeholder kept as one character."""
    return json.dumps(value, separators=(",", ":")).replace("\\u0001", MESSAGE_ID)


def one_event() -> bytes:
    """Return the body of one event under an id of its own."""
    event = generate(1, seed=0, now=datetime.now(UTC))[0]
    return compact(event).replace(MESSAGE_ID, str(uuid4())).encode()


def write_pool(path: Path, *, seed: int, count: int = POOL_EVENTS) -> float:
    """Write the events, one a line, for the load generator; return their mean size in bytes once sent."""
    lines = [compact(event) for event in generate(count, seed=seed, now=datetime.now(UTC))]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return sum(len(line) - 1 + 36 for line in lines) / len(lines)
