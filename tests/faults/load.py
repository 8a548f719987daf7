"""Clients that behave as SDKs do: what was not answered 200 is sent again, with the same message id."""

import base64
import http.client
import itertools
import json
import random
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_ids = itertools.count()


@dataclass
class Load:
    """Threads that send batches to whichever address is current; `answered` holds the ids of events answered 200."""

    write_key: str
    threads: int = 4
    most_events: int = 20
    seed: int = 0
    pause_s: float = 0.0
    """After each batch."""
    address: str = ""
    answered: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    unexpected: list[str] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _running: list[threading.Thread] = field(default_factory=list)

    def start(self, address: str) -> None:
        """Begin to send."""
        self.address = address
        self._running = [threading.Thread(target=self._send_all, args=(n,)) for n in range(self.threads)]
        for thread in self._running:
            thread.start()

    def stop(self) -> None:
        """Let each thread finish the batch it has, answered 200, and end."""
        self._stopping.set()
        for thread in self._running:
            thread.join(60)
            assert not thread.is_alive()

    def _send_all(self, number: int) -> None:
        choose = random.Random(self.seed * 1_000 + number)
        connection: http.client.HTTPConnection | None = None
        while not self._stopping.is_set() and not self.unexpected:
            ids = [f"m-{number}-{next(_ids)}" for _ in range(choose.randint(1, self.most_events))]
            self.sent.update(ids)
            body = json.dumps({"batch": [_event(id_, choose) for id_ in ids]}).encode()
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                connection, status = self._post(connection, body)
                if status == 200:
                    self.answered.update(ids)
                    break
                if status not in {0, 429, 503}:
                    self.unexpected.append(f"status {status}")
                    break
                time.sleep(0.02)
            else:
                self.unexpected.append("a batch was not taken within 60 s")
            self._stopping.wait(self.pause_s)
        if connection is not None:
            connection.close()

    def _post(
        self, connection: http.client.HTTPConnection | None, body: bytes
    ) -> tuple[http.client.HTTPConnection | None, int]:
        where = urlsplit(self.address)
        if connection is not None and connection.port != where.port:
            connection.close()
            connection = None
        if connection is None:
            connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=10)
        credentials = base64.b64encode(f"{self.write_key}:".encode()).decode()
        try:
            connection.request("POST", "/v1/batch", body, {"Authorization": f"Basic {credentials}"})
            response = connection.getresponse()
            response.read()
            return connection, response.status
        except (OSError, http.client.HTTPException):
            connection.close()
            return None, 0


def _event(message_id: str, choose: random.Random) -> dict[str, object]:
    return {
        "type": "track",
        "event": "Loaded",
        "userId": str(choose.randint(1, 500)),
        "messageId": message_id,
        "timestamp": "2026-11-20T12:00:00.000Z",
        "properties": {"n": choose.random(), "text": "x" * choose.randint(0, 400)},
    }
