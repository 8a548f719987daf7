"""Cases 28, 29 and 33: settings that change while events wait, the order of a user's events, the bytes of a body."""

from collections import Counter
from pathlib import Path

import pytest
from msgspec import Raw
from msgspec.structs import replace
from standardwebhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from tests.delivery.tools import Rows
from tests.destinations.webhook.receiver import Received, Receiver, Reply
from tests.e2e.running import eventually
from tests.faults.cases.delivering import SECRET, Delivering, endpoint
from trackside.delivery.fleet import DELETED
from trackside.outbound.signing import new_secret
from trackside.testing.log_values import make_event

pytestmark = pytest.mark.faults


def down(request: Received) -> Reply:
    return Reply(status=503)


def is_signed_with(secret: str, request: Received) -> bool:
    try:
        Verifier(secret).verify(request.body, request.headers)
    except WebhookVerificationError:
        return False
    return True


def test_28_a_secret_and_a_url_that_change_while_an_event_waits(tmp_path: Path) -> None:
    """The next attempt is signed with the new secret and goes to the new URL, with the same id and the same bytes."""
    new = new_secret()
    with Receiver(down) as old_place, Receiver() as new_place:
        before = endpoint(old_place.url, retry_schedule_s=(0.5,) * 20)
        rows = Rows(crm=before)
        with Delivering(tmp_path, rows) as delivering:
            delivering.send(1)
            delivering.until(lambda state: state.retrying == 1)
            rows.now = {"crm": replace(before, secret=new, url=new_place.url)}
            delivering.until_delivered(1)
            attempts = delivering.tried(1)
        (arrived,) = new_place.requests
        assert is_signed_with(SECRET, old_place.requests[0])
        assert is_signed_with(new, arrived)
        assert not is_signed_with(SECRET, arrived)
        assert (arrived.id, arrived.body) == (old_place.requests[0].id, old_place.requests[0].body)
    assert [each.url for each in attempts] == [old_place.url] * (len(attempts) - 1) + [new_place.url]
    assert [each.number for each in attempts] == list(range(1, len(attempts) + 1))


def test_28_an_endpoint_that_is_disabled_enabled_and_deleted_while_events_wait(tmp_path: Path) -> None:
    """Disabled asks nobody and keeps all; enabled goes on; deleted cancels what waits, which is seen."""
    with Receiver(lambda request: Reply(status=503 if request.id == "event-1" else 200)) as receiver:
        settings = endpoint(receiver.url, retry_schedule_s=(0.2,) * 500, failures_until_probing=500)
        rows = Rows(crm=settings)
        with Delivering(tmp_path, rows) as delivering:
            delivering.send(1, 2)
            delivering.until(lambda state: state.retrying == 1 and state.delivered == 1)
            rows.now = {"crm": replace(settings, enabled=False)}
            assert eventually(lambda: is_quiet(receiver))
            delivering.send(3)
            asked = len(receiver.requests)
            assert not eventually(lambda: len(receiver.requests) > asked, timeout_s=1.0)
            assert delivering.state().retrying == 1
            rows.now = {"crm": settings}
            delivering.until_delivered(2)
            assert receiver.taken == ["event-2", "event-3"]
            assert eventually(lambda: receiver.ids[asked:].count("event-1") >= 1)
            rows.now = {}
            state = delivering.until(lambda state: state.dead == 1)
            (letter,) = delivering.log.subscription("crm").dead_letters()
            assert (letter.reason, state.retrying) == (DELETED, 0)
            asked = len(receiver.requests)
            delivering.send(4)
            assert not eventually(lambda: len(receiver.requests) > asked, timeout_s=1.0)


def is_quiet(receiver: Receiver) -> bool:
    """Return whether nothing came for longer than it takes to see what changed."""
    asked = len(receiver.requests)
    return not eventually(lambda: len(receiver.requests) > asked, timeout_s=1.5)


def test_29_the_order_of_a_user_s_events(tmp_path: Path) -> None:
    """Those behind one that fails wait for it, others' go on; when it is dead the rest goes, in order."""
    with Receiver(lambda request: Reply(status=500 if request.id == "event-1" else 200)) as receiver:
        settings = endpoint(receiver.url, ordering="user", retry_schedule_s=(0.5, 0.5), concurrency=8)
        events = [replace(make_event(number), user_id=f"user-{number % 2}") for number in range(1, 21)]
        with Delivering(tmp_path, crm=settings) as delivering:
            delivering.put(*events)
            delivering.until(lambda state: state.delivered == 10 and state.retrying > 0)
            assert receiver.taken == [f"event-{number}" for number in range(2, 21, 2)]
            state = delivering.until_delivered(19)
            assert (state.dead, state.retrying) == (1, 0)
        assert receiver.taken[10:] == [f"event-{number}" for number in range(3, 21, 2)]
        assert Counter(receiver.ids) == Counter(receiver.taken + ["event-1"] * 3)


ODD = [
    b'{"z":1,"a":{"y":2,"b":3},"m":[3,1,2]}',
    '{"name":"Zoë 漢字 🚀","escaped":"\\u00eb\\ud83d\\ude80","line":"\u2028"}'.encode(),
    b'{"half":"\\ud800","zero":"\\u0000","slash":"\\/"}',
    b'{"f":1.0,"e":1E400,"n":-0.0,"long":12345678901234567890123,"p":0.1000000000000000055511151231257827}',
    b'{"a":1,"a":2}',
]


def test_33_signed_is_sent_is_kept(tmp_path: Path) -> None:
    """Over a retry too: the bytes that were signed are those that arrived and those that are kept, as they came in."""
    failed: set[str] = set()

    def at_first_down(request: Received) -> Reply:
        first = request.id not in failed
        failed.add(request.id)
        return Reply(status=500 if first else 200)

    with Receiver(at_first_down) as receiver:
        with Delivering(tmp_path, crm=endpoint(receiver.url, failures_until_probing=100)) as delivering:
            delivering.put(*(make_event(number, data=data) for number, data in enumerate(ODD)))
            delivering.until_delivered(len(ODD))
            attempts = {number: delivering.tried(number) for number in range(len(ODD))}
        for number, data in enumerate(ODD):
            arrived = [each for each in receiver.requests if each.id == f"event-{number}"]
            assert [each.body for each in arrived] == [each.request_body for each in attempts[number]]
            assert len({each.body for each in arrived}) == 1
            assert len(arrived) == 2
            assert bytes(Raw(data)) in arrived[0].body
            for request in arrived:
                assert is_signed_with(SECRET, request)
                assert not is_signed_with(SECRET, replace_body(request))


def replace_body(request: Received) -> Received:
    return Received(
        method=request.method,
        path=request.path,
        headers=request.headers,
        body=request.body + b" ",
        at=request.at,
    )
