"""Whatever arrives: an answer, the one that the page's description gives, and nothing that cannot be stored."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.sources.client_clock import reference
from tests.sources.client_clock.requests import REPORT, decode, make_source, post
from trackside.config.settings import LimitSettings
from trackside.testing.source_contract import RECEIVED_AT, request_of

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters(codec="utf-8"), max_size=8)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
TIMES = st.one_of(
    st.integers(0, 4_000_000_000_000),
    st.floats(0, 4e12).map(str),
    st.integers(-10_000, 10_000).map(lambda skew: int(RECEIVED_AT.timestamp() * 1000) + skew),
    SCALARS,
)
TYPES = st.one_of(st.integers(-1, 5), st.sampled_from(["2", 2.0, ""]), JSON)


def members(**known: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects that have some of the members, and perhaps others."""
    others = st.dictionaries(st.sampled_from(["x", "client_type", "type"]), JSON, max_size=1)
    return st.tuples(others, st.fixed_dictionaries({}, optional=known)).map(lambda pair: pair[0] | pair[1])


EVENTS = members(event_type=TYPES, event_time_ms=TIMES, room_id=JSON, flow_id=JSON)
REPORTS = members(
    type=st.just("event") | SCALARS,
    request_time_ms=TIMES,
    client_type=TYPES,
    event=st.one_of(EVENTS, EVENTS, EVENTS, JSON),
)
GOOD = json.dumps(REPORT).encode()
SPLICES = [
    b"NaN",
    b"-Infinity",
    b"\\ud800",
    b"\\",
    b'"',
    b"{",
    b"}",
    b"[",
    b",",
    b":",
    b"null",
    b"\n",
    b"\xff",
]


@given(REPORTS)
def test_every_report_is_answered_as_described(said: dict[str, Any]) -> None:
    request = post(json.dumps(said).encode(), received_at=RECEIVED_AT)
    decoded = decode(request)
    row = reference.report(request.body, RECEIVED_AT)
    assert len(decoded.events) == (row is not None)
    if row is None:
        return
    (event,) = decoded.events
    data = event.decoded_data()
    assert data["event_type"] == row.event_type.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert ("room_id" in data, "flow_id" in data) == (row.room_id is not None, row.flow_id is not None)
    happened_s = min(row.happened_ms / 1000, RECEIVED_AT.timestamp())
    assert abs(event.timestamp.timestamp() - happened_s) < 0.001
    if row.client_type is not None:
        assert data["client_type"] == row.client_type


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Return a good report with pieces cut out and others put in."""
    body = GOOD
    for splice in draw(st.lists(st.sampled_from(SPLICES) | st.binary(max_size=6), max_size=3)):
        at = draw(st.integers(0, len(body)))
        body = body[:at] + splice + body[at + draw(st.integers(0, 5)) :]
    return body


@given(
    mutated() | st.binary(max_size=200), st.booleans(), st.sampled_from(["POST", "POST", "GET", "OPTIONS"])
)
def test_any_body(body: bytes, tight: bool, method: str) -> None:
    """Also with limits that bite; the reference is asked wherever they do not."""
    limits = LimitSettings(event_bytes=1_024, depth=8) if tight else LimitSettings()
    decoded = decode(request_of(method, "/a/", body), make_source(limits))
    if method == "POST":
        assert len(decoded.events) == (reference.report(body, RECEIVED_AT) is not None)


@given(st.dictionaries(st.sampled_from([b"origin", b"host", b"cookie", b"referer"]), st.binary(max_size=20)))
def test_any_headers(headers: dict[bytes, bytes]) -> None:
    decode(post(GOOD, headers), make_source(origins=("https://*.example.org",)))
