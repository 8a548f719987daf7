"""What each answer means."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from trackside.destinations.base import DELIVERED, Refused, Retry, Unsent
from trackside.destinations.segment.answer import Verdict, judge
from trackside.outbound.base import Failed, Fault
from trackside.testing.outbound import answer

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def verdict(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Verdict:
    return judge(answer(status, body, headers), NOW)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_taken(status: int) -> None:
    """Whatever the body says: nobody documents it."""
    assert verdict(status, b"nonsense") == DELIVERED


@pytest.mark.parametrize("status", [408, 410, 425, 429, 460, 500, 502, 503, 504, 511, 599])
def test_busy(status: int) -> None:
    """Tried again, which spends an attempt."""
    assert verdict(status) == Retry(reason=f"Segment answered {status}")


@pytest.mark.parametrize("status", [400, 413, 422])
def test_content(status: int) -> None:
    """Something in the request is not taken."""
    assert verdict(status) == Refused(reason=f"Segment answered {status}")


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        *((401, "check write_key"), (403, "check write_key"), (404, "check host"), (405, "check host")),
        *(
            (301, "check host"),
            (308, "check host"),
            (501, "check host"),
            (505, "check host"),
            (101, "check host"),
        ),
    ],
)
def test_the_operators(status: int, remedy: str) -> None:
    """No event can help it: none is spent, and the operator is told what to look at."""
    assert verdict(status) == Unsent(rest_s=30.0, reason=f"Segment answered {status}; {remedy}")
    assert verdict(status, headers={"Retry-After": "100"}) == Unsent(
        rest_s=100.0, reason=f"Segment answered {status}; {remedy}"
    )


def test_a_wrong_key_answered_400() -> None:
    """A Trackside server says it that way, because of SDKs that drop events only then."""
    reason = "Segment answered 400 (invalid_write_key); check write_key"
    assert verdict(400, b'{"code":"invalid_write_key"}') == Unsent(rest_s=30.0, reason=reason)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"success":false,"code":"invalid_json"}', " (invalid_json)"),
        (b'{"code":"a@example.org said so"}', ""),
        (b'{"code":["x"]}', ""),
        (b"[" * 10_000, ""),
        (b"", ""),
    ],
)
def test_the_place_s_own_word(body: bytes, said: str) -> None:
    """It is shown where it is surely a word, and nothing that could be of an event."""
    assert verdict(400, body) == Refused(reason=f"Segment answered 400{said}")


@pytest.mark.parametrize(
    ("headers", "after_s"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "86400"}, 300.0),
        ({"Retry-After": "0"}, None),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": ""}, None),
        ({"Retry-After": "Fri, 20 Nov 2026 12:00:09 GMT"}, 9.0),
        ({"Retry-After": "Fri, 20 Nov 2026 11:00:09 GMT"}, None),
        ({"Retry-After": "Fri, 20 Nov 2026 12:00:09 -0000"}, 9.0),
        ({"Retry-After": "Fri, 20 Nov 99999 12:00:09 GMT"}, None),
        ({"X-RateLimit-Reset": "20"}, 20.0),
        ({"Retry-After": "soon", "X-RateLimit-Reset": "20"}, 20.0),
        ({"Retry-After": "3", "X-RateLimit-Reset": "20"}, 3.0),
        ({}, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_when_to_come_again(status: int, headers: dict[str, str], after_s: float | None) -> None:
    """In seconds or as a date, 300 seconds at most; nonsense leaves it to the schedule."""
    expected = Retry(reason=f"Segment answered {status}", after_s=after_s)
    assert verdict(status, headers=headers) == expected


@pytest.mark.parametrize("fault", list(Fault))
def test_no_answer(fault: Fault) -> None:
    """The network's faults spend attempts, ours none; a forbidden address is the operator's to change."""
    found = judge(Failed(fault=fault, detail="so it is"), NOW)
    if fault is Fault.REFUSED_ADDRESS:
        assert found == Unsent(rest_s=30.0, reason="Segment was not asked: so it is; check host")
    else:
        ours = fault in {Fault.PROXY, Fault.LOCAL}
        reason = f"no answer from Segment: {fault.value}: so it is"
        assert found == Retry(reason=reason, spends_attempt=not ours)
