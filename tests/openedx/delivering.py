"""The events of a platform's log, delivered by webhooks to real receivers."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from trackside import hub
from trackside.config.settings import Config, LogSettings
from trackside.destinations.webhook import WebhookSettings
from trackside.log.sqlite import SQLiteLog

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LONGEST_S = 30.0


def webhook(url: str, **others: object) -> WebhookSettings:
    """Return a webhook to this machine."""
    return msgspec.convert(
        {"url": url, "secret": SECRET, "allow_private_networks": True, **others}, WebhookSettings
    )


@contextmanager
def delivering(data_dir: Path, **webhooks: WebhookSettings) -> Iterator[Any]:
    """Deliver to these webhooks while the block runs, as a server beside the platform does."""
    log = SQLiteLog(data_dir, LogSettings())
    engine = hub.build_delivery(Config(data_dir=str(data_dir), destinations=dict(webhooks)), log)
    engine.start()
    try:
        yield log
    finally:
        engine.stop()
        log.close()


def wait_until(true: Callable[[], object]) -> None:
    """Return once `true` says so; fail after a while."""
    ends = time.monotonic() + LONGEST_S
    while not true():
        assert time.monotonic() < ends, "it did not become true"
        time.sleep(0.02)
