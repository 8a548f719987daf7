"""Sends to endpoints whose names are answered badly and prints what came of it: FOLDER, in a place of its own."""

import json
import sys
from pathlib import Path
from typing import Any

from tests.faults.cases.delivering import Delivering, endpoint
from tests.faults.dns.namespace import bring_loopback_up
from tests.faults.dns.server import METADATA, DnsServer, addresses
from tests.outbound.servers import answering, saying, serving_in_a_thread
from trackside.attempts.base import Attempt
from trackside.destinations.webhook import WebhookSettings

NOWHERE = ("nxdomain", "servfail", "refused", "empty", "loop")
LATE = ("silent", "garbled")
ASTRAY = ("mixed", "six")
EVENTS = 20
CLOSING = saying(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")


def careful(url: str) -> WebhookSettings:
    """Return a webhook that may reach this machine by its address alone."""
    return endpoint(url, allow_private_networks=False, allow=("127.0.0.1",))


def told(attempt: Attempt) -> dict[str, Any]:
    return {
        "outcome": attempt.outcome,
        "fault": attempt.fault,
        "duration_s": attempt.duration_s,
        "began_s": attempt.began_at.timestamp(),
    }


def names_that_lead_nowhere(folder: Path) -> dict[str, Any]:
    """Return the first attempt of each, and the last one of the endpoint whose name is good."""
    with serving_in_a_thread(answering()) as server:
        endpoints = {
            name: endpoint(server.url(f"{name}.test"), retry_schedule_s=(60.0,)) for name in (*NOWHERE, *LATE)
        }
        endpoints |= {name: careful(server.url(f"{name}.test")) for name in ASTRAY}
        endpoints["good"] = endpoint(server.url("good.test"))
        with Delivering(folder, **endpoints) as delivering:
            delivering.send(*range(1, EVENTS + 1))
            delivering.until_delivered(EVENTS, "good")
            found: dict[str, Any] = {name: told(delivering.has_tried(1, 1, name)[0]) for name in endpoints}
            found["last"] = told(delivering.tried(name="good")[-1])
            found["connections"] = server.connections
            for name in (*NOWHERE, *LATE):
                delivering.until(lambda state: state.retrying >= 1, name)
    return found


def a_name_that_is_bound_anew(folder: Path, names: DnsServer) -> dict[str, Any]:
    """Return what came of an event after the name began to lead to the cloud's metadata."""
    with serving_in_a_thread(CLOSING) as server:
        settings = careful(server.url("rebound.test"))
        with Delivering(folder, crm=settings) as delivering:
            delivering.send(1)
            delivering.until_delivered(1)
        names.answers["rebound"] = addresses(METADATA)
        with Delivering(folder, crm=settings) as delivering:
            delivering.send(2)
            found = told(delivering.has_tried(1, 2)[0])
            delivering.until(lambda state: state.last_error is not None)
        found["connections"] = server.connections
    return found


def main() -> None:
    bring_loopback_up()
    names = DnsServer(("127.0.0.1", 53))
    folder = Path(sys.argv[1])
    found = names_that_lead_nowhere(folder / "nowhere")
    found["rebound"] = a_name_that_is_bound_anew(folder / "rebound", names)
    found["asked"] = sorted(set(names.asked))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
