"""A destination that is paused by itself becomes an event, which goes wherever events go."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.e2e.running import eventually
from trackside import hub
from trackside.config.settings import Config
from trackside.destinations.base import Delivery, Gone, Outcome
from trackside.destinations.tracking_log import TrackingLogSettings
from trackside.destinations.webhook import Webhook, WebhookSettings
from trackside.testing.log_values import append, make_event


async def _gone(self: object, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
    return [Gone(reason="answered 410 Gone")] * len(deliveries)


@pytest.mark.slow
def test_a_disabled_destination_is_an_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other destinations get it, once; the one it is about has it waiting for its resume."""
    monkeypatch.setattr(Webhook, "send", _gone)
    config = Config(
        data_dir=str(tmp_path),
        destinations={
            "crm": WebhookSettings(url="https://crm.example.org/hook", kind="webhook"),
            "file": TrackingLogSettings(path="tracking.log"),
        },
    )
    log = hub.open_log(config)
    engine = hub.build_delivery(config, log)
    append(log, make_event(1))
    engine.start()
    lines = tmp_path / "tracking.log"
    try:
        assert eventually(lambda: lines.exists() and lines.read_text().count("\n") >= 2)
        crm = log.subscription("crm")
        assert crm.state().paused
        crm.pause(False)  # gone again: that is told again, and leads to nothing else
        assert eventually(lambda: log.bounds().last >= 3)
        assert eventually(lambda: crm.state().paused)
        threading.Event().wait(0.5)
        assert log.bounds().last == 3
    finally:
        engine.stop()
    event = log.read(1).events[0]
    assert (event.name, event.source) == ("trackside.destination.disabled", "trackside")
    assert event.decoded_data() == {"destination": "crm", "reason": "answered 410 Gone"}
    line = json.loads(lines.read_text().splitlines()[1])
    assert line["event_type"] == "trackside.destination.disabled"
    assert crm.state().delivered == 0
    log.close()


def test_an_engine_that_ended_tells_nothing(tmp_path: Path) -> None:
    """Nothing of it stays behind in the process."""
    from trackside.telemetry import catalogue

    config = Config(data_dir=str(tmp_path), destinations={"file": TrackingLogSettings(path="a.log")})
    log = hub.open_log(config)
    engine = hub.build_delivery(config, log)
    engine.start()
    assert eventually(lambda: bool(catalogue.DESTINATION_DISABLED))
    engine.stop()
    assert not catalogue.DESTINATION_DISABLED
    log.close()
