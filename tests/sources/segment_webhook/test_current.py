"""The current generation: what is taken, what is ignored, what is refused, in the order of the documented checks."""

import json
import logging
from typing import Any

import pytest

from tests.sources.segment_webhook.requests import (
    COURSE,
    PATH,
    SECRET,
    Accounts,
    call,
    post,
    properties,
    reasons,
    receive,
    source,
)
from trackside.destinations.tracking_log.emitted_line import render_emitted
from trackside.event import EMITTED
from trackside.sources.base import NeedsUsers
from trackside.sources.segment_webhook import errors
from trackside.testing.source_contract import check_decoded, decode

GARBAGE_TIMES: list[Any] = [
    None,
    "",
    5,
    [1],
    {"a": 1},
    True,
    "garbage",
    "now",
    "20240-05-06T07:08:09Z",
    "1" * 30,
]
PARTIAL_TIMES: list[Any] = ["2014", "12:00", "10", "2014-08-27T16:33:39 PST"]
"""The platform fills in what is missing from today's date: here nobody's clock is guessed."""


def _each(*values: Any) -> tuple[Any, ...]:
    return values


REFUSED: list[tuple[str, Any, str]] = [
    *((f"body {body!r}", body, "not_an_object") for body in ("text", 5, None, True, 1.5)),
    ("an empty list", [], "empty_batch"),
    ("a list of a number", [1], "not_an_object"),
    *((f"context {value!r}", call(context=value), "invalid_field") for value in _each(["x"], "x", 5)),
    *(
        (f"library {value!r}", call(context={"library": value}), "invalid_field")
        for value in _each(["x"], "x", 5)
    ),
    *(
        (f"library.name {value!r}", call(context={"library": {"name": value}}), "invalid_field")
        for value in _each(["x"], {"a": 1}, [])
    ),
    *((f"type {value!r}", call(type=value), "invalid_field") for value in (5, ["track"], {"a": 1}, True)),
    *((f"properties {value!r}", call(properties=value), "invalid_field") for value in _each(["x"], "x", 5)),
    *(
        (f"properties {value!r}", call(properties=value), "missing_name")
        for value in _each(..., None, {}, [], "")
    ),
    *(
        (f"name {value!r}", call(properties=properties(name=value)), "invalid_field")
        for value in _each(None, 5, ["x"], {"a": 1}, True)
    ),
    ("no name", call(properties=properties(name=...)), "missing_name"),
    ("another label", call(properties=properties(name=..., label="Other")), "missing_name"),
    ("no data", call(properties=properties(data=...)), "missing_data"),
    *(
        (f"data {value!r}", call(properties=properties(data=value)), "invalid_data")
        for value in _each(None, "x", ["x"], 5, False)
    ),
    *(
        (f"properties.context {value!r}", call(properties=properties(context=value)), "invalid_context")
        for value in _each(None, "x", ["x"], 5, "", [])
    ),
    *(
        (f"context.app {value!r}", call(context={**call()["context"], "app": value}), "invalid_field")
        for value in _each("x", ["x"], 5)
    ),
    *(
        (f"userId {value!r}", call(userId=value), "missing_user_id")
        for value in _each(..., None, 0, "", False, [], {}, 0.0)
    ),
    *(
        (f"userId {value!r}", call(userId=value), "invalid_user_id")
        for value in _each("foobar", "10.0", "9" * 4400, [10], {"a": 1}, "\x00")
    ),
    *((f"userId {value!r}", call(userId=value), "unknown_user") for value in (40, "40", 2**70, -1, "٣")),
    ("no timestamp", call(timestamp=...), "missing_timestamp"),
    ("no receivedAt", call(receivedAt=...), "missing_received_at"),
    *((f"timestamp {value!r}", call(timestamp=value), "invalid_field") for value in GARBAGE_TIMES),
    *((f"timestamp {value!r}", call(timestamp=value), "invalid_field") for value in PARTIAL_TIMES),
    *((f"receivedAt {value!r}", call(receivedAt=value), "invalid_field") for value in GARBAGE_TIMES),
    *(
        (f"course_id {value!r}", call(properties=properties(context={"course_id": value})), "invalid_field")
        for value in _each(5, ["x"], {"a": 1}, True)
    ),
    *(
        (f"properties.course_id {value!r}", call(properties=properties(course_id=value)), "invalid_field")
        for value in _each(5, ["x"], {"a": 1})
    ),
]
IGNORED: list[tuple[str, Any, str]] = [
    *(
        (f"context {value!r}", call(context=value), "library_not_allowed")
        for value in _each(..., None, {}, [])
    ),
    *(
        (f"library {value!r}", call(context={"library": value}), "library_not_allowed")
        for value in _each(None, {}, {"name": None}, {"name": 5}, {"name": "analytics.js"}, {"name": ""})
    ),
    *(
        (f"type {value!r}", call(type=value), "type_not_allowed")
        for value in _each(..., None, "", "screen", "identify", "Group", "Alias", "Page", "delete", [], 0)
    ),
]
TAKEN: list[tuple[str, Any]] = [
    ("type in capitals", call(type="Track")),
    *((f"userId {value!r}", call(userId=value)) for value in ("10", " 10 ", 10.0, 10.7, "1_0")),
    ("an empty name", call(properties=properties(name=""))),
    ("empty data", call(properties=properties(data={}))),
    ("no properties.context", call(properties=properties(context=...))),
    *(
        (f"timestamp {value!r}", call(timestamp=value))
        for value in (
            "2024-05-06T07:08:09",
            "2024-05-06T07:08:09+02:00",
            "2024-05-06T07:08:09.123456789Z",
            "2024-05-06 07:08:09Z",
            "2024-05-06",
        )
    ),
    *(
        (f"course_id {value!r}", call(properties=properties(context={"course_id": value})))
        for value in _each("invalid", "lib:edX:x", "library-v1:o+l", "edX/DemoX/2024", COURSE, "", None)
    ),
]


@pytest.mark.parametrize(
    ("body", "reason"), [row[1:] for row in REFUSED], ids=[row[0][:50] for row in REFUSED]
)
def test_what_cannot_be_an_event_becomes_a_reject(body: Any, reason: str) -> None:
    """The sender is told nothing; the operator finds the reason, the sentence and the body."""
    decoded = receive(body)
    assert (decoded.reply.status, decoded.reply.body, decoded.events) == (200, b"", [])
    (reject,) = decoded.rejects
    assert reject.reason == reason
    assert (reject.source, reject.detail != "") == ("mobile", True)
    assert (
        json.loads(reject.body) == body
        or len(json.dumps(body)) > len(reject.body) - 8
        or isinstance(body, list)
    )


@pytest.mark.parametrize(("body", "word"), [row[1:] for row in IGNORED], ids=[row[0] for row in IGNORED])
def test_what_is_not_wanted_is_counted(body: Any, word: str) -> None:
    """What the settings do not want leaves a number, and no reject."""
    decoded = receive(body)
    assert (decoded.reply.status, decoded.events, decoded.rejects) == (200, [], [])
    assert list(decoded.ignored) == [word]


@pytest.mark.parametrize("body", [row[1] for row in TAKEN], ids=[row[0] for row in TAKEN])
def test_what_the_platform_takes_is_taken(body: Any) -> None:
    """Good input, however it is written, is one event of its user."""
    decoded = receive(body)
    assert not decoded.rejects
    assert not decoded.ignored
    (event,) = decoded.events
    check_decoded(decoded, post(body))
    assert event.user_id == "10"
    assert event.decoded_context()["username"] == "honor"


def test_true_is_the_user_1_as_on_the_platform() -> None:
    """Python reads true as 1."""
    (event,) = receive(call(userId=True), users=Accounts(staff=1)).events
    assert event.user_id == "1"


SENTENCES = [
    (call(userId=...), errors.ERROR_MISSING_USER_ID),
    (call(userId=40), errors.ERROR_USER_NOT_EXIST),
    (call(userId="foobar"), errors.ERROR_INVALID_USER_ID),
    (call(properties=properties(context=None)), errors.ERROR_INVALID_CONTEXT_FIELD_TYPE),
    (call(properties=properties(data=None)), errors.ERROR_INVALID_DATA_FIELD_TYPE),
    (call(properties=properties(data=...)), errors.ERROR_MISSING_DATA),
    (call(properties=properties(name=...)), errors.ERROR_MISSING_NAME),
    (call(timestamp=...), errors.ERROR_MISSING_TIMESTAMP),
    (call(receivedAt=...), errors.ERROR_MISSING_RECEIVED_AT),
]


@pytest.mark.parametrize(("body", "sentence"), SENTENCES, ids=[sentence for _, sentence in SENTENCES])
def test_an_operator_reads_the_platforms_sentences(
    body: Any, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Each ERROR_ text is the reject's sentence, and stands in the debug log, which holds nothing of the event."""
    with caplog.at_level(logging.DEBUG, logger="trackside.segment_webhook"):
        decoded = receive(body)
    assert [reject.detail for reject in decoded.rejects] == [sentence]
    assert sentence in caplog.text
    assert "mobile" not in caplog.text


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS", "TRACE"])
def test_only_posts(method: str) -> None:
    """Reading is answered 405, before the secret is looked at."""
    decoded = decode(source(), post(call(), method=method, query=b""))
    assert (decoded.reply.status, list(decoded.events), list(decoded.rejects)) == (405, [], [])
    assert dict(decoded.reply.headers)[b"allow"] == b"POST, PUT, PATCH"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_methods_segment_may_be_set_to(method: str) -> None:
    """Segment's action can be set to any of the three."""
    assert len(decode(source(), post(call(), method=method)).events) == 1


QUERIES = [b"", b"key=", b"key=wrong", b"key=%C3%A9", b"key=\xe9", b"key=anything&key=wrong", b"Key=anything"]


@pytest.mark.parametrize("query", [*QUERIES, b"key=anythin", b"key=anything2", b"key[]=anything"])
def test_a_wrong_key_is_401_before_the_body_is_read(query: bytes) -> None:
    """Whatever the body, who does not know the key learns nothing about it, and it is not kept."""
    for body in (b"{", b"[" * 100_000, b"\xff", call()):
        decoded = decode(source(), post(body, query=query))
        assert (decoded.reply.status, decoded.reply.body, list(decoded.events)) == (401, b"", [])
        assert [(each.reason, each.detail, each.body) for each in decoded.rejects] == [
            ("unauthorized", errors.ERROR_UNAUTHORIZED, b"")
        ]


@pytest.mark.parametrize("query", [b"key=anything", b"key=wrong&key=anything", b"a=b&key=%61nything&c="])
def test_the_last_key_counts(query: bytes) -> None:
    """Of a key given twice the last one counts."""
    assert len(decode(source(), post(call(), query=query)).events) == 1


def test_without_a_secret_nothing_is_taken() -> None:
    """A webhook whose secret was never set is closed, also to those who send an empty one."""
    for query in (b"", b"key=", b"key=anything"):
        assert decode(source(secret=""), post(call(), query=query)).reply.status == 401


def test_two_secrets_while_one_is_replaced() -> None:
    """Both keys open while Segment is being told the new one."""
    both = source(secret=("old", "né"))
    assert len(decode(both, post(call(), query=b"key=old")).events) == 1
    assert len(decode(both, post(call(), query=b"key=n%C3%A9")).events) == 1
    assert decode(both, post(call(), query=b"key=n")).reply.status == 401


def test_secrets_are_compared_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """All secrets are compared in constant time, as bytes, also behind the one that is right."""
    import hmac

    compared: list[tuple[Any, Any]] = []
    compare = hmac.compare_digest

    def noting(given: Any, known: Any) -> bool:
        compared.append((given, known))
        return compare(given, known)

    monkeypatch.setattr(hmac, "compare_digest", noting)
    decode(source(secret=("a", "b", "\u00e9")), post(call(), query=b"key=a"))
    assert compared[:3] == [(b"a", b"a"), (b"a", b"b"), (b"a", "\u00e9".encode())]


BAD_JSON = [
    b"{",
    b"x",
    b'{"a":1}x',
    b"\xff\xfe",
    b'{"a":\x01"}',
    b'{"userId":' + b"9" * 4_400 + b"}",
    b"{'a':1}",
]


@pytest.mark.parametrize("body", BAD_JSON, ids=range(len(BAD_JSON)))
def test_bad_json_is_400(body: bytes) -> None:
    """What is no JSON is told so, in the platform's words."""
    decoded = receive(body)
    assert (decoded.reply.status, decoded.reply.body) == (400, b'{"error": "Invalid JSON"}')
    assert reasons(decoded) in (["invalid_json"], ["number_too_long"])


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 5_000 + b"1" + b"}" * 5_000, b"[" * 3000 + b"]" * 3000]
)
def test_nesting_bombs_are_refused(body: bytes) -> None:
    """However deep a body is nested, it is answered and refused."""
    decoded = receive(body)
    assert decoded.reply.status in (200, 400)
    assert not decoded.events
    assert reasons(decoded) in (["too_deep"], ["invalid_json"])


@pytest.mark.parametrize("item", ["1", "NaN"])
def test_a_body_of_very_many_values_is_refused_at_once(item: str) -> None:
    """A list of digits costs memory for each of them, and of NaN the time to make them null."""
    decoded = receive(("[" + ",".join([item] * 600_000) + "]").encode())
    assert (decoded.reply.status, reasons(decoded)) == (200, ["too_many_values"])


def test_other_content_is_not_read() -> None:
    """As on the platform a body that is not called JSON is no event; here the operator is told."""
    decoded = decode(source(), post(call(), content_type=b"text/plain"))
    assert (decoded.reply.status, reasons(decoded)) == (200, ["invalid_content_type"])
    decoded = decode(source(), post(b""))
    assert (decoded.reply.status, reasons(decoded)) == (200, ["empty_body"])
    assert len(decode(source(), post(call(), content_type=b"application/json; charset=utf-8")).events) == 1


def test_a_large_event_is_refused_alone() -> None:
    """An event beyond the limit costs its neighbour nothing."""
    large = call(properties=properties(data={"text": "x" * 1_000_000}))
    decoded = receive([large, call()])
    assert (len(decoded.events), reasons(decoded)) == (1, ["event_too_large"])
    assert len(decoded.rejects[0].body) == 8_192


def test_names_that_hold_a_disallowed_part_are_ignored() -> None:
    """Whatever the case."""
    decoded = receive(call(properties=properties(name="edx.BI.thing")), disallowed_substring_names=(".bi.",))
    assert list(decoded.ignored) == ["name_not_allowed"]


def test_the_old_name_of_a_forum_screen() -> None:
    """Old Android apps named a screen by its label alone."""
    said = properties(name=..., label="Forum: View Thread")
    (event,) = receive(call(properties=said)).events
    assert event.name == "edx.bi.app.navigation.screen"
    assert event.decoded_context()["label"] == "Forum: View Thread"


def test_an_empty_name_is_unknown() -> None:
    """As the tracker calls it."""
    assert receive(call(properties=properties(name=""))).events[0].name == "unknown"


def test_what_becomes_of_the_context() -> None:
    """The app, the client without what is not kept, the agent, the course's organisation, the label, the times."""
    said = properties(
        label="L", context={"course_id": COURSE, "app_name": "edx.mobileapp.android", "component": "c"}
    )
    (event,) = receive(call(properties=said)).events
    assert event.decoded_context() == {
        "session": "",
        "user_id": 10,
        "username": "honor",
        "ip": "",
        "host": "lms.example.org",
        "agent": "okhttp",
        "path": PATH,
        "referer": "",
        "accept_language": "",
        "client_id": None,
        "course_id": COURSE,
        "org_id": "edX",
        "enterprise_uuid": "",
        "event_source": "mobile",
        "application": {"name": "edx.mobileapp.android", "version": "3.1"},
        "client": {"library": {"name": "analytics-android", "version": "4"}, "app": {"version": "3.1"}},
        "component": "c",
        "label": "L",
        "timestamp": "2024-05-06T07:08:09.123000+00:00",
        "received_at": "2024-05-06T07:08:11.456000+00:00",
    }
    assert (event.id, event.type, event.extra, event.source) == ("mmm", "track", EMITTED, "mobile")
    assert (event.original_timestamp, event.sent_at) == (
        "2024-05-06T07:08:09.000Z",
        "2024-05-06T07:08:11.300Z",
    )


def test_an_application_of_the_apps_own_stays() -> None:
    """Newer apps say their application themselves."""
    said = properties(
        context={"application": {"name": "n", "version": "v"}, "ip": "203.0.113.9", "app_name": "x"}
    )
    context = receive(call(properties=said)).events[0].decoded_context()
    assert context["application"] == {"name": "n", "version": "v"}
    assert context["ip"] == "203.0.113.9"
    assert "app_name" not in context


@pytest.mark.parametrize(
    ("inner", "outer", "course", "org"),
    [
        (COURSE, ..., COURSE, "edX"),
        ("foo/bar/baz", ..., "foo/bar/baz", "foo"),
        (COURSE, "course-v1:Other+A+B", "course-v1:Other+A+B", "Other"),
        (..., "course-v1:Other+A+B", "course-v1:Other+A+B", "Other"),
        (COURSE, "junk", "junk", ""),
        (COURSE, None, None, ""),
        ("junk", ..., "junk", ""),
        ("library-v1:o+l", ..., "library-v1:o+l", "o"),
        (..., ..., "", ""),
    ],
)
def test_the_organisation_is_that_of_the_course(inner: Any, outer: Any, course: Any, org: str) -> None:
    """Whatever course is named last, and whatever organisation the client says."""
    context = {"course_id": inner, "org_id": "forged"}
    said = properties(
        context={key: value for key, value in context.items() if value is not ...}, course_id=outer
    )
    found = receive(call(properties=said)).events[0].decoded_context()
    assert (found["course_id"], found["org_id"]) == (course, org)


FORGED = {
    "user_id": 1,
    "username": "staff",
    "event_source": "server",
    "session": "s",
    "host": "evil.example",
    "received_at": "1999-01-01T00:00:00Z",
    "timestamp": "1999-01-01T00:00:00Z",
    "org_id": "evil",
}


def test_a_client_cannot_say_who_it_is() -> None:
    """What identifies an event is the server's; anything else in the client's context goes over the server's."""
    said = properties(
        context={**FORGED, "event_type": "other", "page": "p", "path": "/x", "course_id": COURSE}
    )
    (event,) = receive(call(properties=said)).events
    line = json.loads(render_emitted(event))
    assert (line["username"], line["context"]["user_id"], line["event_source"]) == ("honor", 10, "mobile")
    assert (line["session"], line["host"], line["context"]["org_id"]) == ("", "lms.example.org", "edX")
    assert line["time"] == "2024-05-06T07:08:09.123000+00:00"
    assert line["context"]["received_at"] == "2024-05-06T07:08:11.456000+00:00"
    assert (line["event_type"], line["page"], line["context"]["path"]) == ("other", "p", "/x")


def test_the_old_trust_can_be_had_back() -> None:
    """With one setting clients say their event source, session, host and organisation, never their user or time."""
    (event,) = receive(call(properties=properties(context=FORGED)), trust_client_context=True).events
    line = json.loads(render_emitted(event))
    assert (line["event_source"], line["session"], line["host"]) == ("server", "s", "evil.example")
    assert line["context"]["org_id"] == "evil"
    assert (line["username"], line["context"]["user_id"]) == ("honor", 10)
    assert line["time"] == "2024-05-06T07:08:09.123000+00:00"


def test_users_are_asked_for_once_for_a_batch() -> None:
    """All users of a batch are one question; then memory knows them."""
    accounts = Accounts(honor=10, audit=11)
    webhook = source(accounts)
    request = post([call(userId=each, messageId=f"m{each}") for each in (10, 11, 12, 10)])
    first = webhook.decode(request)
    assert isinstance(first, NeedsUsers)
    assert sorted(each.value for each in first.wanted) == [10, 11, 12]
    decoded = decode(webhook, request)
    assert [event.id for event in decoded.events] == ["m10", "m11", "m10"]
    assert reasons(decoded) == ["unknown_user"]
    assert len(accounts.questions) == 1


def test_one_bad_call_costs_its_neighbours_nothing() -> None:
    """Each call of a batch stands for itself."""
    calls = [call(messageId="a"), 5, call(userId=...), call(type="screen"), call(messageId="b")]
    decoded = receive(calls)
    assert [event.id for event in decoded.events] == ["a", "b"]
    assert reasons(decoded) == ["not_an_object", "missing_user_id"]
    assert list(decoded.ignored) == ["type_not_allowed"]


@pytest.mark.parametrize(
    ("given", "expected"), [("m", "m"), (5, "hash-"), ("x" * 101, "hash-"), ("x" * 100, "x")]
)
def test_a_message_id_is_the_events(given: Any, expected: str) -> None:
    """The same for the same, so that what is sent again is stored once."""
    first, second = (receive(call(messageId=given)).events[0].id for _ in range(2))
    assert first == second
    assert first.startswith(expected)


@pytest.mark.parametrize("given", [..., None, ""])
def test_without_a_message_id_there_is_an_own_one(given: Any) -> None:
    """An id of its own for each."""
    assert len(receive(call(messageId=given)).events[0].id) == 36


def test_json_that_is_none_but_usual_is_repaired() -> None:
    """NaN becomes null, half a character U+FFFD; lines become one; of repeated members the last one counts."""
    text = json.dumps(call(messageId=..., properties=properties(data={"n": 1}))).replace(
        '{"n": 1}', '{"n": NaN,\n "h": "\\ud800", "n2": -Infinity, "z": "\\u0000"}'
    )
    body = text.encode()[:-1] + b', "messageId": "one", "messageId": "two"}'
    decoded = receive(body)
    check_decoded(decoded, post(body))
    (event,) = decoded.events
    assert event.decoded_data() == {"n": None, "h": "�", "n2": None, "z": "\x00"}
    assert event.id == "two"


def test_the_wish_to_be_forgotten() -> None:
    """A `delete` is taken where it is allowed, whoever sent it; the account may be gone already."""
    body = {"type": "delete", "userId": "40", "timestamp": "2024-05-06T07:08:09.123Z", "messageId": "d"}
    assert list(receive(body).ignored) == ["library_not_allowed"]
    (event,) = receive(body, allowed_types=("track", "delete")).events
    assert (event.name, event.type, event.user_id, event.id) == ("delete", "delete", "40", "d")
    assert reasons(receive({**body, "userId": None}, allowed_types=("delete",))) == ["missing_user_id"]


def test_a_time_to_come_is_kept_as_it_was_said() -> None:
    """The line says what the device said; the event is never later than its receipt."""
    (event,) = receive(call(timestamp="2099-01-01T00:00:00Z")).events
    assert event.timestamp == event.received_at
    assert "future" in event.clock_flags
    assert json.loads(render_emitted(event))["time"] == "2099-01-01T00:00:00+00:00"


def test_paths_with_and_without_a_slash() -> None:
    """A POST is never redirected."""
    webhook = source()
    assert [webhook.handles(path) for path in (PATH, PATH + "/", PATH + "/x", "/")] == [
        True,
        True,
        False,
        False,
    ]


assert SECRET == "anything"  # the queries above hold it
