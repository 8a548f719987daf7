"""Whatever arrives: an answer, never an exception, and nothing that cannot be stored."""

import json
from urllib.parse import urlencode

from hypothesis import given
from hypothesis import strategies as st

from tests.sources.browser.requests import FORM, PLAIN, SAID, Accounts, decode, make_source, multipart
from trackside.config.settings import LimitSettings
from trackside.testing.source_contract import request_of

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=10), inner, max_size=3)
    ),
    max_leaves=10,
)
MEMBERS = st.dictionaries(
    st.sampled_from(["event_type", "event", "page", "courserun_key", "x"]),
    JSON | st.fixed_dictionaries({"username": JSON | st.just("honor")}),
)
GOOD = [json.dumps(SAID).encode(), urlencode(SAID).encode(), multipart(SAID, "b")]
SPLICES = [
    b"NaN",
    b"\\ud800",
    b"\\",
    b'"',
    b"{",
    b"}",
    b"[",
    b",",
    b"&",
    b"=",
    b"%",
    b"\n",
    b"\xff",
    b"--b",
    b"\r\n",
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Return a good body with pieces cut out and others put in."""
    body = draw(st.sampled_from(GOOD))
    for splice in draw(st.lists(st.sampled_from(SPLICES) | st.binary(max_size=6), max_size=3)):
        at = draw(st.integers(0, len(body)))
        body = body[:at] + splice + body[at + draw(st.integers(0, 5)) :]
    return body


BODIES = st.one_of(
    st.binary(max_size=300),
    mutated(),
    MEMBERS.map(lambda members: json.dumps(members).encode()),
    MEMBERS.map(
        lambda members: urlencode({key: json.dumps(value) for key, value in members.items()}).encode()
    ),
)
TYPES = st.one_of(
    st.sampled_from([FORM, b"application/json", PLAIN, b"multipart/form-data; boundary=b", b""]),
    st.binary(max_size=30),
)
METHODS = st.sampled_from(["GET", "POST", "POST", "POST", "OPTIONS", "PUT"])
SOURCES = [
    make_source(directory=Accounts(honor=7)),
    make_source(
        LimitSettings(event_bytes=1_024, depth=8), names=("seq_*",), origins=("https://*.example.org",)
    ),
]


@given(
    BODIES,
    TYPES,
    METHODS,
    st.sampled_from(SOURCES),
    st.sampled_from([b"", b"null", b"https://a.example.org"]),
)
def test_any_request(body: bytes, kind: bytes, method: str, source: object, origin: bytes) -> None:
    assert source in SOURCES
    query = body if method == "GET" else b""
    headers = {b"content-type": kind, b"origin": origin}
    decoded = decode(request_of(method, "/event", body, headers, query=query), SOURCES[SOURCES.index(source)])
    if decoded.reply.status == 200:
        assert len(decoded.events) + len(decoded.ignored) == 1
    else:
        assert not decoded.events
