"""Whatever arrives at whichever path: an answer, never an exception, and nothing that cannot be stored."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.sources.segment_api.requests import KEY, LIMITS, basic, decode, make_source
from tests.sources.segment_api.test_captures import FILES, recorded
from trackside.config.settings import LimitSettings
from trackside.sources.json_text import clean, has_unreadable_number, is_deeper, repair
from trackside.sources.segment_api.routes import ROUTES
from trackside.testing.source_contract import request_of

BODIES = [request.body for name in FILES for request, _ in recorded(name) if 0 < len(request.body) < 20_000]
PATHS = (
    st.sampled_from([*sorted(ROUTES), f"/v1/projects/{KEY}/settings", "/v1/projects/x/settings/"]) | st.text()
)
METHODS = st.sampled_from(["POST", "POST", "POST", "GET", "GET", "OPTIONS", "PUT", "HEAD"])
HEADERS = st.dictionaries(
    st.sampled_from(
        [b"authorization", b"x-retry-count", b"host", b"origin", b"access-control-request-headers"]
    ),
    st.binary(max_size=30) | st.sampled_from([*basic().values(), b"Basic ", b"Bearer x", b"1", b"0"]),
)
SPLICES = st.lists(
    st.sampled_from(
        [
            b"NaN",
            b"-Infinity",
            b"\\ud800",
            b"\\",
            b'"',
            b"{",
            b"}",
            b"[",
            b"]",
            b",",
            b":",
            b"null",
            b"\n",
            b"\x00",
            b"\xff",
            b"1e999",
            b"9" * 5_000,
            b"[" * 200,
            b'{"a":' * 150,
            b'"userId":',
            b"\xef\xbb\xbf",
            b'"batch":',
        ]
    )
    | st.binary(max_size=6),
    max_size=3,
)
QUERIES = st.binary(max_size=60) | st.sampled_from(
    [
        b"data=e30",
        b"writeKey=" + KEY.encode(),
        b"a.b.c=1&a.b=2",
        b"data=%00",
        b"writeKey=" + KEY.encode() + b"&userId=u&a..b=1",
    ]
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Return a recorded body with pieces cut out and others put in."""
    body = draw(st.sampled_from(BODIES))
    for splice in draw(SPLICES):
        at = draw(st.integers(0, len(body)))
        gone = draw(st.integers(0, 5))
        body = body[:at] + splice + body[at + gone :]
    return body


@given(METHODS, PATHS, QUERIES, HEADERS, st.binary(max_size=200) | mutated(), st.sampled_from([None, "::1"]))
def test_any_request(
    method: str, path: str, query: bytes, headers: dict[bytes, bytes], body: bytes, client_ip: str | None
) -> None:
    """Any method, path, query, headers and body."""
    decode(request_of(method, path, body, headers, query=query, client_ip=client_ip))


@given(mutated(), st.sampled_from(["/v1/batch", "/v1/track", "/v1/i"]), st.booleans())
def test_mutated_bodies_of_sdks(body: bytes, path: str, tight: bool) -> None:
    """Authorized, so that every body is looked at closely; also with limits that bite."""
    limits = LimitSettings(event_bytes=1_024, batch_events=2, depth=8) if tight else LIMITS
    decode(request_of("POST", path, body, basic(), client_ip="203.0.113.7"), make_source(limits))


@given(mutated(), st.integers(1, 10))
def test_text_is_looked_at_without_raising(body: bytes, levels: int) -> None:
    """Repairing is idempotent, and measuring takes anything."""
    once = repair(body)
    assert repair(once) == once
    is_deeper(body, levels)
    has_unreadable_number(body)
    clean(body)


def test_the_captures_are_there() -> None:
    """The mutations start from something."""
    assert len(BODIES) > 30
    assert all(Path(name).suffix == ".jsonl" for name in FILES)
