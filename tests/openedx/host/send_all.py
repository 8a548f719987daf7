"""Sends every public signal once, with data made from its types, and prints what was sent as JSON."""

import json
import logging
import sys
from typing import Any

import django


def main() -> None:
    """Send; HOST says from what platform."""
    django.setup()
    from openedx_events.tooling import OpenEdxPublicSignal, load_all_signals

    from tests.openedx.generated import arguments
    from trackside.openedx.tracker import signal_tracker

    logging.disable(logging.INFO)
    load_all_signals()
    sent, metadata = [], []

    def remember(**kwargs: Any) -> None:
        metadata.append(kwargs["metadata"])

    for signal in OpenEdxPublicSignal.all_events():
        data = arguments(signal)
        signal.connect(remember)
        signal.send_event(**data)
        signal.disconnect(remember)
        about = json.loads(metadata[-1].to_json())
        sent.append({"metadata": about, "arguments": list(data)})
    tracker = signal_tracker()
    assert tracker is not None
    for backend in tracker.backends.values():
        assert backend.flush(20)  # type: ignore[attr-defined]  # they keep a log
    json.dump(sent, sys.stdout)


if __name__ == "__main__":
    main()
