"""What a question before an action costs: python -m benchmarks.webfilters [--rounds 5] [--questions 1000].

Beside Trackside the way of openedx-webhooks: `requests.post`, one receiver after another, ten seconds for each. The
receiver is a process of its own on this machine; what it takes itself is measured with a bare socket.
"""

import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from benchmarks.lib.answering import ANSWER
from benchmarks.lib.bench_venv import ROOT
from benchmarks.lib.command import conclude
from benchmarks.lib.report import Check, Report, Table, number
from trackside.outbound.base import Outgoing
from trackside.outbound.blocking import BlockingClient
from trackside.outbound.policy import AddressPolicy
from trackside.webfilters import FilterPoint, Hook, Question, Rules, Stops, Webfilters

BUDGET_S = 0.8
LATE_S = 0.02
"""The clock and the scheduler of the machine, beyond the budget."""
PAUSE_S = 0.0002
MOST_OVERHEAD_MS, MOST_DECIDERS_MS, MOST_IDLE_US = 0.15, 115.0, 5.0
POINT = FilterPoint(
    "benchmark.enrollment.requested",
    sends={"user": dict[str, Any], "profile": dict[str, Any], "course_key": str, "mode": str},
    changes={"mode": str, "user.first_name": str},
    exceptions={"PreventEnrollment": Stops(PermissionError)},
)
DATA: dict[str, Any] = {
    "user": {
        "id": 7,
        "username": "ada",
        "email": "ada@example.org",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "is_active": True,
        "date_joined": "2026-11-20T12:00:00+00:00",
    },
    "profile": {"name": "Ada Lovelace", "country": "GB", "level_of_education": "p", "year_of_birth": 1815},
    "course_key": "course-v1:edX+DemoX+Demo_Course",
    "mode": "audit",
}
Ask = Callable[[], object]


class _Auditor:
    """Takes the record, which is made for it."""

    def record(self, question: Question) -> None:
        pass


class _Kept:
    """Hands requests on, and keeps the last ones: the very bytes for the bare socket."""

    def __init__(self, client: BlockingClient) -> None:
        self.requests: list[Outgoing] = []
        self._client = client

    def ask(self, requests: Any, *, budget_s: float) -> Any:
        self.requests = [*requests]
        return self._client.ask(requests, budget_s=budget_s)


def run(*, rounds: int, questions: int) -> Report:
    """Measure each way in turn and return the report."""
    client = BlockingClient(policy=AddressPolicy(allow=["127.0.0.0/8"]))
    with _receiver() as port:
        one = _webfilters(client, port, ["0"])
        ways: dict[str, Ask] = {"bare socket": _bare(port, client), "trackside": one}
        if find_spec("requests"):
            ways["requests.post"] = _plain(port, ["0"])
        took = _measure(ways, rounds=rounds, times=questions)
        several: dict[str, Ask] = {"trackside": _webfilters(client, port, ["100"] * 3)}
        if find_spec("requests"):
            several["requests.post"] = _plain(port, ["100"] * 3)
        deciders = _measure(several, rounds=1, times=10)
        hole_s = _worst_hole_s(client, port)
    client.close()
    idle_us = _idle_us()
    overhead_ms = [
        1e3 * (ours - bare) for ours, bare in zip(took["trackside"], took["bare socket"], strict=True)
    ]
    overhead = statistics.median(overhead_ms)
    rows = [
        (name, number(1e6 * statistics.median(each)), number(1e6 * min(each)), number(1e6 * max(each)))
        for name, each in took.items()
    ]
    slow = [(name, number(1e3 * statistics.median(each))) for name, each in deciders.items()]
    return Report(
        "Questions before an action",
        [
            Table("One hook that changes a field", ("way", "p50 µs", "best round", "worst round"), rows),
            Table("Three hooks of 100 ms each", ("way", "p50 ms"), slow),
        ],
        [
            Check("webfilters: p50 over the receiver's own time", overhead, MOST_OVERHEAD_MS, "ms"),
            Check(
                "webfilters: three deciders of 100 ms",
                1e3 * statistics.median(deciders["trackside"]),
                MOST_DECIDERS_MS,
                "ms",
            ),
            Check("webfilters: a point without a hook", idle_us, MOST_IDLE_US, "µs"),
            Check("webfilters: three that never answer", hole_s, BUDGET_S + LATE_S, "s"),
        ],
        [
            f"{rounds} rounds of {questions:,} questions each, in turn; medians of the rounds' p50.",
            "requests.post does nothing but send, wait and decode; Trackside snapshots, redacts, checks and records.",
        ],
    )


def _webfilters(client: BlockingClient, port: int, paths: list[str], **settings: Any) -> Ask:
    kind = "changer" if len(paths) == 1 else "decider"
    hooks = [
        Hook(name=f"hook-{number}", point=POINT.name, url=_url(port, path), kind=kind, **settings)
        for number, path in enumerate(paths)
    ]
    webfilters = Webfilters(hooks, asker=client, auditor=_Auditor(), rules=Rules(budget_s=BUDGET_S))
    return lambda: webfilters.ask(POINT, DATA)


def _plain(port: int, paths: list[str]) -> Ask:
    import requests

    def ask() -> None:
        answers: dict[str, Any] = {}
        payload = {**DATA, "event_metadata": {"event_type": POINT.name, "time": "2026-11-20 12:00:00"}}
        for path in paths:
            response = requests.post(_url(port, path), json=payload, timeout=10)
            answers.update(response.json().get("data", {}))

    return ask


def _bare(port: int, client: BlockingClient) -> Ask:
    kept = _Kept(client)
    Webfilters([Hook(name="x", point=POINT.name, url=_url(port, "0"))], asker=kept).ask(POINT, DATA)
    [request] = kept.requests
    headers = "".join(f"{name}: {value}\r\n" for name, value in request.headers)
    head = f"POST /0 HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Length: {len(request.body)}\r\n\r\n"
    whole = head.encode() + request.body
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask() -> None:
        connection.sendall(whole)
        left = len(ANSWER)
        while left:
            left -= len(connection.recv(left))
        json.loads(ANSWER.rpartition(b"\r\n\r\n")[2])

    return ask


def _measure(ways: dict[str, Ask], *, rounds: int, times: int) -> dict[str, list[float]]:
    """Return for each way the p50 of each round, in seconds; the ways take turns."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for ask in ways.values():
        for _ in range(max(times // 10, 1)):
            ask()
    for _ in range(rounds):
        for name, ask in ways.items():
            found[name].append(statistics.median(_took_s(ask) for _ in range(times)))
    return found


def _took_s(ask: Ask) -> float:
    until = time.perf_counter() + PAUSE_S
    while time.perf_counter() < until:  # a receiver that is asked without a pause never goes to sleep
        pass
    began = time.perf_counter()
    ask()
    return time.perf_counter() - began


def _worst_hole_s(client: BlockingClient, port: int) -> float:
    ask = _webfilters(client, port, ["never"] * 3, timeout_s=30, failure_cache_s=0)
    return max(_took_s(ask) for _ in range(3))


def _idle_us() -> float:
    webfilters = Webfilters(asker=BlockingClient())
    times = 10_000
    rounds = []
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(times):
            webfilters.ask(POINT, DATA)
        rounds.append((time.perf_counter() - began) / times)
    return 1e6 * statistics.median(rounds)


def _url(port: int, path: str) -> str:
    return f"http://127.0.0.1:{port}/{path}"


@contextmanager
def _receiver() -> Iterator[int]:
    command = [sys.executable, "-m", "benchmarks.lib.answering"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.communicate()


if __name__ == "__main__":
    conclude(run, __doc__, rounds=5, questions=1_000)
