"""Segment's servers as they behave: 64 connections, what was not answered is sent again, under the same message id."""

import asyncio
import itertools
import json
import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

KNOWN = range(1, 401)
"""The accounts in the table."""
UNKNOWN = range(10_000, 1_000_000)
KINDS = {
    "good": 50,
    "again": 15,
    "batch": 8,
    "anybody": 8,
    "unknown": 8,
    "bad": 5,
    "ignored": 3,
    "no JSON": 2,
    "no key": 1,
}
ANSWERS = {"no JSON": 400, "no key": 401}
"""What is not answered 200."""
_AGAIN = {0, 429, 503}


@dataclass(frozen=True)
class Sent:
    """One request."""

    kind: str
    path: str
    body: bytes
    ids: frozenset[str]
    """Of those of its events that are to be taken."""


@dataclass
class WebhookLoad:
    """Sends to whichever address is current, in a thread of its own."""

    seed: int = 0
    connections: int = 64
    address: str = ""
    answered: Counter[str] = field(default_factory=Counter)
    """Kind → requests that were answered."""
    acknowledged: set[str] = field(default_factory=set)
    """Message ids of events that are to be taken, of requests answered 200."""
    sent_ids: set[str] = field(default_factory=set)
    """Message ids of events that may be taken."""
    sent_again: int = 0
    unexpected: list[str] = field(default_factory=list)
    _recent: list[Sent] = field(default_factory=list)
    _numbers: Any = field(default_factory=itertools.count)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self, address: str) -> None:
        """Begin to send."""
        self.address = address
        self._thread = threading.Thread(target=lambda: asyncio.run(self._send_all()))
        self._thread.start()

    def stop(self) -> None:
        """Let each connection finish the request it has, and end."""
        self._stopping.set()
        assert self._thread is not None
        self._thread.join(120)
        assert not self._thread.is_alive()

    async def _send_all(self) -> None:
        await asyncio.gather(*(self._connection(number) for number in range(self.connections)))

    async def _connection(self, number: int) -> None:
        choose = random.Random(self.seed * 1_000 + number)
        wire = _Wire()
        while not self._stopping.is_set() and not self.unexpected:
            sent = self._make(choose)
            for _ in range(3_000):
                status = await wire.post(self.address, sent)
                if status not in _AGAIN:
                    break
                self.sent_again += 1
                await asyncio.sleep(0.02)
            if status != ANSWERS.get(sent.kind, 200):
                self.unexpected.append(f"{sent.kind}: {status}")
            self.answered[sent.kind] += 1
            self.acknowledged |= sent.ids
        wire.close()

    def _make(self, choose: random.Random) -> Sent:
        (kind,) = choose.choices(list(KINDS), list(KINDS.values()))
        if kind == "again" and self._recent:
            old = choose.choice(self._recent)
            return Sent("again", old.path, old.body, old.ids)
        path = "/segmentio/any?key=any" if kind == "anybody" else "/segmentio/event?key=table"
        if kind == "batch":
            calls = [self._call(choose.choice(list(KINDS)), choose) for _ in range(choose.randint(1, 20))]
            body: Any = [each for each, _ in calls]
            ids = frozenset(each["messageId"] for each, good in calls if good)
        else:
            body, good = self._call(kind, choose)
            ids = frozenset([body["messageId"]] if good else [])
        if kind == "no key":
            path, ids = path + "x", frozenset()
        text = json.dumps(body).encode()
        if kind == "no JSON":
            text, ids = text[: choose.randint(1, len(text) - 1)], frozenset()
        sent = Sent(kind, path, text, ids)
        self.sent_ids |= ids
        if ids:
            self._recent.append(sent)
            del self._recent[:-500]
        return sent

    def _call(self, kind: str, choose: random.Random) -> tuple[dict[str, Any], bool]:
        """Return a call, and whether it is to be taken."""
        message_id = f"w-{next(self._numbers)}"
        call: dict[str, Any] = {
            "type": "track",
            "userId": choose.choice(KNOWN) if choose.random() < 0.5 else str(choose.choice(KNOWN)),
            "messageId": message_id,
            "timestamp": "2024-05-06T07:08:09.123Z",
            "receivedAt": "2024-05-06T07:08:11.456Z",
            "context": {"library": {"name": "analytics-ios"}, "userAgent": "okhttp"},
            "properties": {
                "name": choose.choice(["edx.video.played", "edx.bi.x"]),
                "data": {"message_id": message_id, "text": "x" * choose.randint(0, 300)},
                "context": {"course_id": "course-v1:edX+DemoX+2024"},
            },
        }
        match kind:
            case "unknown":
                call["userId"] = choose.choice(UNKNOWN)
            case "bad":
                del call[choose.choice(["userId", "timestamp", "receivedAt", "properties"])]
            case "ignored":
                call["type"] = "identify"
        return call, kind not in {"unknown", "bad", "ignored"}


class _Wire:
    """One connection that is opened again when it is lost."""

    def __init__(self) -> None:
        self._address = ""
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, address: str, sent: Sent) -> int:
        """Return the status of the answer, 0 where none came."""
        try:
            if self._writer is None or address != self._address:
                self.close()
                where = urlsplit(address)
                self._address = address
                self._reader, self._writer = await asyncio.open_connection(where.hostname, where.port)
            return await asyncio.wait_for(self._exchange(sent), 20)
        except (OSError, EOFError, TimeoutError):
            self.close()
            return 0

    async def _exchange(self, sent: Sent) -> int:
        assert self._reader is not None
        assert self._writer is not None
        head = f"POST {sent.path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        self._writer.write(head.encode() + b"content-length: %d\r\n\r\n" % len(sent.body) + sent.body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        await self._reader.readexactly(length)
        if b"connection: close" in answer.lower():
            self.close()
        return int(answer[9:12])

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._writer is not None:
            self._writer.close()
            self._reader = self._writer = None
