"""Batches through the real worker, log and client: what arrives, and what waits."""

import time
from pathlib import Path

from tests.destinations.http.test_contract import body_of, ids_of
from tests.destinations.webhook.receiver import Received, Receiver, Reply
from trackside.config.settings import LogSettings
from trackside.delivery import DeliveryEngine
from trackside.destinations.connecting import connector, policy_of
from trackside.destinations.http import Http, HttpSettings
from trackside.event import Batch
from trackside.log.base import append_and_wait
from trackside.log.sqlite import SQLiteLog
from trackside.testing.destination_contract import make_event

BAD = "event-1234"


def test_an_outage_and_a_bad_event(tmp_path: Path) -> None:
    """Everything arrives once but the one event that is refused; the outage makes no dead letter."""
    taken: list[str] = []
    failures = iter([Reply(status=500)] * 5)

    def answer(request: Received) -> Reply:
        ids = ids_of(body_of(request))
        if BAD in ids:
            return Reply(status=400)
        if len(taken) > 1_500 and (failure := next(failures, None)):
            return failure
        taken.extend(ids)
        return Reply()

    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    log = SQLiteLog(folder, LogSettings())
    for first in range(0, 3_000, 500):
        append_and_wait(log, Batch(events=[make_event(n) for n in range(first, first + 500)]))
    with Receiver(answer) as receiver:
        settings = HttpSettings(
            url=receiver.url,
            allow_private_networks=True,
            gzip=True,
            min_backoff_s=0.1,
            failures_until_probing=50,
        )
        place = Http(
            settings,
            connector(settings, folder, user_agent="Trackside/test"),
            why_not=policy_of(settings).why_not_url,
        )
        engine = DeliveryEngine(log, {"lake": (place, settings)}, folder / "delivery.lock")
        engine.start()
        subscription = log.subscription("lake")
        deadline = time.monotonic() + 60
        while (state := subscription.state()).delivered + state.dead < 3_000:
            assert time.monotonic() < deadline, state
            time.sleep(0.02)
        engine.stop()
    assert (state.delivered, state.dead, state.retrying) == (2_999, 1, 0)
    assert [letter.event.id for letter in subscription.dead_letters()] == [BAD]
    log.close()
    assert len(taken) == len(set(taken))
    assert set(taken) == {f"event-{n}" for n in range(3_000)} - {BAD}
