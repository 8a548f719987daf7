"""A site with a worker: what is emitted is written down by the worker, one line an event."""

import json
import os
from pathlib import Path
from typing import Any

import celery

from trackside import tracker
from trackside.backends.async_routing import AsyncRoutingBackend
from trackside.emitted.identity import event_id

app = celery.Celery("site", broker=os.environ["SITE_BROKER"])
app.conf.task_default_queue = os.environ["SITE_QUEUE"]
app.conf.broker_connection_timeout = 1
app.conf.worker_hijack_root_logger = False
app.set_default()
FOLDER = Path(os.environ["SITE_FOLDER"])


class Lines:
    """Appends to a file; with `failures`, every event fails once at first."""

    mutates = False

    def __init__(self, name: str, *, fails_first: bool = False) -> None:
        self.path = FOLDER / name
        self.fails_first = fails_first

    def send(self, event: dict[str, Any]) -> None:
        """Write down the event's name and id."""
        seen = FOLDER / f"seen-{event_id()}"
        if self.fails_first and not seen.exists():
            seen.touch()
            raise ConnectionError("away")
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([event["name"], event_id()]) + "\n")


backend = AsyncRoutingBackend(
    backend_name="async",
    backends={"flaky": Lines("flaky", fails_first=True), "healthy": Lines("healthy")},
    retry_delay_s=0.1,
    queue_bytes=int(os.environ.get("SITE_QUEUE_BYTES", "1000000")),
)
tracker.register_tracker(tracker.Tracker(backends={"async": backend}))
