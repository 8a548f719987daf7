"""What pages and clients with their own clock send, all different. MESSAGE_ID stands where the load generator puts
a text of its own into every copy, so that no two are the same.
"""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from benchmarks.lib.events import MESSAGE_ID, POOL_EVENTS, compact

FORM = "application/x-www-form-urlencoded; charset=UTF-8"
PLAIN = "text/plain;charset=UTF-8"
PAGE_HEADERS = (
    "Origin: https://lms.example.org",
    "Referer: https://lms.example.org/courses/course-v1:edX+DemoX+2026/courseware/week1/",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
    "Accept: */*",
    "Accept-Language: en-US,en;q=0.9",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Sec-Fetch-Site: cross-site",
    "Sec-Fetch-Mode: cors",
    "Sec-Fetch-Dest: empty",
    "Cookie: _ga=GA1.2.1033501218.1368477899; sessionid=1|y7ggkxkzcj4yclgo2zm2dsu3iq8jsk9a|R7A0Bqg0wJ1E",
)
"""What a browser says with every request of a page."""
_NAMES = (
    "edx.ui.lms.sequence.next_selected",
    "edx.ui.lms.link_clicked",
    "problem_check",
    "play_video",
    "pause_video",
    "page_close",
)

Make = Callable[[random.Random], str]


def report(source: random.Random) -> str:
    """Return a report of AppRTC's web application."""
    now_ms = int(datetime.now(UTC).timestamp() * 1000) - source.randrange(86_400_000)
    event = {
        "event_type": source.choice((2, 3)),
        "event_time_ms": now_ms - source.randrange(5_000),
        "room_id": MESSAGE_ID,
        "flow_id": source.randrange(1 << 31),
    }
    return compact({"type": "event", "request_time_ms": now_ms, "client_type": 1, "event": event})


def browser_form(source: random.Random) -> str:
    """Return a browser event as jQuery sends it."""
    return urlencode(_browser_event(source), quote_via=quote).replace("%01", MESSAGE_ID)


def browser_beacon(source: random.Random) -> str:
    """Return a browser event as a page sends it with `navigator.sendBeacon`."""
    return compact(_browser_event(source)).replace("\\\\u0001", MESSAGE_ID)


def write_pool(path: Path, make: Make, *, seed: int, count: int = POOL_EVENTS) -> float:
    """Write bodies, one a line, for the load generator; return their mean size in bytes once sent."""
    source = random.Random(seed)
    lines = [make(source) for _ in range(count)]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return sum(len(line) - 1 + 36 for line in lines) / len(lines)


def _browser_event(source: random.Random) -> dict[str, Any]:
    course_id = (
        f"course-v1:Org{source.randrange(40)}+CS{source.randrange(300)}+2026_T{source.randrange(1, 4)}"
    )
    block = f"block-v1:{course_id[10:]}+type@sequential+block@{source.getrandbits(128):032x}"
    data = {
        "current_tab": source.randrange(1, 9),
        "tab_count": source.randrange(9, 15),
        "id": block,
        "widget_placement": source.choice(("top", "bottom")),
        "target_name": MESSAGE_ID,
        "current_time": round(source.uniform(0, 1_800), 3),
    }
    page = f"https://lms.example.org/courses/{course_id}/courseware/week{source.randrange(12)}/{source.getrandbits(64):016x}/"
    return {"event_type": source.choice(_NAMES), "event": compact(data), "page": page}
