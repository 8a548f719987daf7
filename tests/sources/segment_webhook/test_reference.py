"""Whatever Segment's servers, or anybody else, may send: never a 500, and what the slow reference comes to."""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.segment_api.test_captures import FILES, recorded
from tests.sources.segment_webhook import reference
from tests.sources.segment_webhook.reference import Meaning, Rules
from tests.sources.segment_webhook.requests import COURSE, PATH, Accounts, call, post, properties, source
from tests.sources.segment_webhook.test_agreement import ODD, PATHS, values
from tests.sources.segment_webhook.test_generation_2014 import old, said
from trackside.destinations.tracking_log.emitted_line import render_emitted
from trackside.event import EMITTED, EMITTED_VALUE, Event
from trackside.sources.base import Decoded, Request
from trackside.testing.source_contract import RECEIVED_AT, check_decoded, decode

USERS = {10: "honor", 1: "staff"}
AROUND = {
    "session": "",
    "user_id": None,
    "username": "",
    "ip": "198.51.100.7",
    "host": "lms.example.org",
    "agent": "Segment.io/1.0",
    "path": PATH,
    "referer": "",
    "accept_language": "",
    "client_id": None,
    "course_id": "",
    "org_id": "",
    "enterprise_uuid": "",
}
SETTINGS: list[tuple[dict[str, Any], Rules]] = [
    ({}, Rules()),
    ({"trust_client_context": True}, Rules(trust=True)),
    (
        {"disallowed_substring_names": (".bi.",), "allowed_types": ("Track", "screen", "delete")},
        Rules(disallowed=(".BI.",), types=("Track", "screen", "delete")),
    ),
    ({"secret": "", "shared_secret": "shh"}, Rules(secrets=(), shared_secrets=("shh",))),
    (
        {"shared_secret": ("old", "shh"), "signed_batches": True, "source_map": {"node": "server", "x": ""}},
        Rules(shared_secrets=("old", "shh"), signed_batches=True, source_map={"node": "server", "x": ""}),
    ),
    ({"secret": ("né", "anything")}, Rules(secrets=("né", "anything"))),
    ({"secret": ""}, Rules(secrets=())),
]
OLD_SETTINGS: list[tuple[dict[str, Any], Rules]] = [
    ({"generation": "2014"}, Rules(old=True)),
    ({"generation": "2014", "trust_client_context": True}, Rules(old=True, trust=True)),
    (
        {"generation": "2014", "shared_secret": "shh", "allowed_channels": ("Mobile", "server")},
        Rules(old=True, shared_secrets=("shh",), channels=("Mobile", "server")),
    ),
]
OLD_PATHS: list[tuple[str, ...]] = [
    *((name,) for name in old()),
    *(("properties", name) for name in ("event_type", "event", "context", "page", "ip", "course_id")),
    *(("properties", "context", name) for name in ("course_id", "org_id", "host", "event_source", "page")),
]


def captured() -> list[dict[str, Any]]:
    """Return what real SDKs sent, as Segment's servers would post it from an app of the platform."""
    found: list[dict[str, Any]] = []
    for name in FILES:
        for _, body in recorded(name):
            for sent in [] if body is None else body.get("batch", [body]):
                user_id = sent.get("userId")
                more = {"course_id": COURSE, "component": "c"}
                found.append(
                    {
                        **sent,
                        "userId": 10 if isinstance(user_id, str) else user_id,
                        "receivedAt": "2026-11-20T19:24:59.001Z",
                        "properties": {
                            **(sent.get("properties") or {}),
                            "name": "edx.video.played",
                            "data": sent.get("properties") or sent.get("traits") or {},
                            "context": more,
                        },
                    }
                )
    assert len(found) > 20
    return found


CAPTURED = captured()
LIBRARIES = sorted({each["context"]["library"]["name"] for each in CAPTURED})
CAPTURE_SETTINGS = {"source_map": dict.fromkeys(LIBRARIES, "browser"), "allowed_types": ("track", "page")}
CAPTURE_RULES = Rules(source_map=dict.fromkeys(LIBRARIES, "browser"), types=("track", "page"))

changes = st.lists(
    st.tuples(st.sampled_from(PATHS + OLD_PATHS), st.sampled_from(ODD) | values | st.just(...)), max_size=2
)


def changed(made: dict[str, Any], given_changes: list[tuple[tuple[str, ...], Any]]) -> dict[str, Any]:
    """Return a copy of a call with some members replaced or left out."""
    copy: dict[str, Any] = json.loads(json.dumps(made))
    for path, value in given_changes:
        at: Any = copy
        for name in path[:-1]:
            at = at.get(name) if isinstance(at, dict) else None
        if isinstance(at, dict) and value is ...:
            at.pop(path[-1], None)
        elif isinstance(at, dict):
            at[path[-1]] = value
    return copy


CALLS = [
    call(properties=properties(label="L")),
    call(properties=properties(course_id="course-v1:Other+A+B"), type="screen"),
    call(
        properties=properties(name="edx.video.played", data={"module_id": "i4x://a/b/video/c"}), userId="10"
    ),
    {"type": "delete", "userId": "40", "timestamp": "2024-05-06T07:08:09.123Z", "messageId": "d"},
    call(context={"library": {"name": "node"}}),
]
OLD_CALLS = [old(), old(channel="Mobile", action="screen", properties=said(page="p", ip="203.0.113.9"))]
calls = st.builds(changed, st.sampled_from(CALLS), changes)
old_calls = st.builds(changed, st.sampled_from(OLD_CALLS), changes)
captures = st.builds(
    lambda number, said: changed(CAPTURED[number], said), st.integers(0, len(CAPTURED) - 1), changes
)


@st.composite
def bodies(draw: st.DrawFn, usual: st.SearchStrategy[Any]) -> Any:
    """Return a call, a batch, or anything."""
    match draw(st.sampled_from(["call", "call", "call", "call", "batch", "batch", "junk"])):
        case "call":
            return draw(usual)
        case "batch":
            return draw(st.lists(st.one_of(usual, usual, st.sampled_from([5, [], None, {}])), max_size=3))
        case _:
            return draw(values | calls | old_calls)


INSERTED = [
    *(b"NaN", b"-Infinity", b"1e400", b"-1e-400", b"9" * 400, b"9" * 4_301, b"\\ud800", b"\\udc00\\ud800"),
    *(
        b"\xef\xbb\xbf",
        b"\xff",
        b"\xc3",
        b"\x00",
        b"\\u0000",
        b"\n",
        b'"',
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
    ),
    *(b"[" * 90 + b"]" * 90, b'{"a":' * 110 + b"1" + b"}" * 110, b"[" * 800, b'"userId":1,', b'"type":null,'),
    *(
        b'"properties":{},',
        b'"context":{"library":{"name":"node"}},',
        b"null",
        b"  ",
        b"\r\n\t",
        b"/**/",
        b"01",
    ),
]
Mutation = Callable[[bytes], bytes]


def inserting(text: bytes, at: int) -> Mutation:
    return lambda body: body[: at % (len(body) + 1)] + text + body[at % (len(body) + 1) :]


def replacing(text: bytes, at: int) -> Mutation:
    """Return what puts `text` in the place of one of the body's values."""

    def replace(body: bytes) -> bytes:
        colons = [place for place, byte in enumerate(body) if byte == 0x3A]
        if not colons:
            return text
        start = colons[at % len(colons)] + 1
        ends = [end for end in (body.find(b",", start), body.find(b"}", start)) if end > 0]
        return body[:start] + text + body[min(ends, default=len(body)) :]

    return replace


def flipping(bit: int, at: int) -> Mutation:
    def flip(body: bytes) -> bytes:
        place = at % max(len(body), 1)
        return body[:place] + bytes(byte ^ 1 << bit for byte in body[place : place + 1]) + body[place + 1 :]

    return flip


places = st.integers(0, 5_000)
mutations = st.one_of(
    st.builds(inserting, st.sampled_from(INSERTED) | st.binary(max_size=3), places),
    st.builds(replacing, st.sampled_from(INSERTED), places),
    st.builds(replacing, st.sampled_from(INSERTED), places),
    st.builds(flipping, st.integers(0, 7), places),
    st.builds(lambda at: lambda body: body[:at], places),
    st.sampled_from(
        [
            lambda body: b"\xef\xbb\xbf" + body,
            lambda body: body.decode("latin-1").encode("utf-16"),
            lambda body: b" \n" + body + b"\r\n",
            lambda body: body[:1] + body[1:] * 2,
            lambda body: b"",
            lambda body: b"[" + body + b"," + body + b"]",
        ]
    ),
)
QUERIES = [
    b"",
    b"key=",
    b"key=%C3%A9",
    b"key=n%C3%A9",
    b"key=%ff",
    b"key",
    b"key=x&key=anything",
    b"KEY=anything",
]
QUERIES += [
    b"key=anything&key=x",
    b"a=b&ke%79=any%74hing",
    b"key=anything&",
    b"key=any+thing",
    b"&key=anything#",
]
METHODS = ["PUT", "PATCH", "GET", "HEAD", "OPTIONS", "BREW"]
TYPES = [b"Application/JSON; charset=utf-8", b"text/plain", b"", None]
SIGNATURES = [b"", b"0" * 40, b"\xff", None]


@st.composite
def requests(draw: st.DrawFn, usual: st.SearchStrategy[Any]) -> Request:
    """Return a request with one odd thing about its head at most, signed as it was before it was mutated."""
    separators, indent = draw(st.sampled_from([((",", ":"), None), ((",", ":"), None), ((", ", ": "), 1)]))
    body = json.dumps(
        draw(bodies(usual)), ensure_ascii=draw(st.booleans()), separators=separators, indent=indent
    ).encode("utf-8", "surrogatepass")
    signed = reference.first_item(body) or body
    head: dict[str, Any] = {
        "query": b"key=anything",
        "method": "POST",
        "content_type": b"application/json",
        "x_signature": hmac.new(b"shh", signed, hashlib.sha1).hexdigest().encode(),
    }
    odd = draw(st.sampled_from(["", "", "", "", *head]))
    if odd:
        others: dict[str, list[Any]] = {
            "query": QUERIES,
            "method": METHODS,
            "content_type": TYPES,
            "x_signature": SIGNATURES,
        }
        head[odd] = draw(st.sampled_from(others[odd]))
    for mutate in draw(st.just([]) | st.lists(mutations, max_size=2)):
        body = mutate(body)
    request = post(body, **{name: value for name, value in head.items() if value is not None})
    if head["content_type"] is None:
        headers = {name: value for name, value in request.headers.items() if name != b"content-type"}
        request = msgspec.structs.replace(request, headers=headers)
    return request


def plainly(value: Any) -> str:
    """Return what tells 1 from 1.0 and true; the order of members says nothing."""
    return json.dumps(value, sort_keys=True)


def assert_same_event(event: Event, expected: dict[str, Any]) -> None:
    """Assert that the event says what the reference does, field by field."""
    for name in ("name", "type", "user_id", "anonymous_id", "original_timestamp", "sent_at"):
        assert getattr(event, name) == expected[name], name
    assert event.source == "mobile"
    assert event.timestamp == min(expected["at"], RECEIVED_AT)
    assert event.clock_flags == (
        ("already_corrected",) if expected["at"] <= RECEIVED_AT else ("future", "already_corrected")
    )
    data, is_object = reference.loads(bytes(event.data)), isinstance(expected["data"], dict)
    assert plainly(data if is_object else data["value"]) == plainly(expected["data"])
    assert event.extra == (EMITTED if is_object else EMITTED_VALUE)
    context = reference.loads(bytes(event.context))
    assert list(context) == list(dict.fromkeys(context))
    assert plainly(context) == plainly(expected["context"])
    message_id = expected["id"]
    if message_id is None or message_id == "":
        assert len(event.id) == 36
    elif isinstance(message_id, str) and len(message_id) <= 100:
        assert event.id == message_id
    else:
        assert event.id.startswith("hash-")


def assert_same(decoded: Decoded, expected: Meaning) -> None:
    """Assert that the webhook came to what the reference did."""
    assert [
        reject.detail[: len(begins)] for reject, begins in zip(decoded.rejects, expected.rejects, strict=True)
    ] == (expected.rejects)
    assert list(decoded.ignored) == expected.ignored
    reply = decoded.reply
    assert (reply.status, reply.content_type) == (expected.status, expected.content_type)
    assert expected.body in (None, reply.body)
    if expected.body is None:
        told = {"committed": False, "message": decoded.rejects[0].detail}
        assert reply.body == json.dumps(told, indent=2).encode()
    for event, meant in zip(decoded.events, expected.events, strict=True):
        assert_same_event(event, meant)


def check(request: Request, settings: dict[str, Any], rules: Rules) -> None:
    """Assert all that must be so of one request."""
    decoded = decode(source(Accounts(honor=10, staff=1), **settings), request)
    check_decoded(decoded, request)
    for event in decoded.events:
        line = json.loads(render_emitted(event))
        assert line["context"]["received_at" if event.type != "delete" else "user_id"]
    for reject in decoded.rejects:
        assert reject.body == b"" or decoded.reply.status != 401
    brackets = request.body.count(b"[") + request.body.count(b"{")
    if brackets > 700 or len(request.body) > 60_000:
        assert len(decoded.events) < 2  # how deep and how large is other tests' matter
        return
    expected = reference.interpret(
        request.method, request.query, request.headers, request.body, users=USERS, rules=rules, around=AROUND
    )
    assert_same(decoded, expected)


@given(requests(calls), st.sampled_from(SETTINGS))
def test_requests(request: Request, settings: tuple[dict[str, Any], Rules]) -> None:
    """Calls and batches with other values, broken bytes, other methods, keys, types and signatures."""
    check(request, *settings)


@given(requests(old_calls), st.sampled_from(OLD_SETTINGS))
def test_requests_of_2014(request: Request, settings: tuple[dict[str, Any], Rules]) -> None:
    """The same for the older generation."""
    check(request, *settings)


@given(requests(captures))
def test_captures(request: Request) -> None:
    """What real SDKs sent, on its way through Segment's servers."""
    check(request, CAPTURE_SETTINGS, CAPTURE_RULES)


def test_every_capture_is_taken() -> None:
    """Unchanged, each of a known user is one event, or none of ours."""
    webhook = source(Accounts(honor=10, staff=1), **CAPTURE_SETTINGS)
    taken = 0
    for each in CAPTURED:
        decoded = decode(webhook, post(each))
        expected = reference.interpret(
            "POST",
            b"key=anything",
            {b"content-type": b"application/json"},
            json.dumps(each).encode(),
            users=USERS,
            rules=CAPTURE_RULES,
            around=AROUND,
        )
        assert_same(decoded, expected)
        taken += len(decoded.events)
    assert taken > 10
