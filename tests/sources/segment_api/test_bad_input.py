"""What is wrong with a request or an item, and what then becomes of it and of its neighbours."""

import json
from typing import Any

import pytest

from tests.sources.segment_api.requests import (
    GOOD,
    KEY,
    SENT_AT,
    batch,
    decode,
    make_source,
    one,
    only,
    post,
    reasons,
    track,
)
from trackside.config.settings import LimitSettings
from trackside.sources.segment_api import intake


def raw_item(**members: str) -> bytes:
    """Return the JSON of a good event with members given as JSON text, which need not be valid."""
    known = {name: json.dumps(value) for name, value in GOOD.items()} | members
    return b"{" + ",".join(f'"{name}":{text}' for name, text in known.items()).encode() + b"}"


def raw_batch(*items: bytes) -> bytes:
    return b'{"batch":[' + b",".join(items) + b'],"sentAt":"' + SENT_AT.encode() + b'"}'


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (track(userId=None), "missing_identity"),
        (track(userId="", anonymousId=""), "missing_identity"),
        (track(type=None), "missing_type"),
        (track(type=""), "missing_type"),
        (track(type="Track"), "unknown_type"),
        (track(type="delete"), "unknown_type"),
        (track(type={}), "invalid_field"),
        (track(event=None), "missing_event"),
        (track(event=""), "missing_event"),
        (track(event=[]), "invalid_field"),
        (track(userId={}), "invalid_field"),
        (track(userId=True), "invalid_field"),
        (track(properties=[]), "invalid_field"),
        (track(properties="x"), "invalid_field"),
        (track(properties=0), "invalid_field"),
        (track(context=[]), "invalid_field"),
        (track(context="x"), "invalid_field"),
        ({"type": "identify", "userId": "u", "traits": 7}, "invalid_field"),
        ({"type": "group", "userId": "u"}, "missing_group_id"),
        ({"type": "alias", "userId": "u"}, "missing_previous_id"),
        ({"type": "alias", "previousId": "u"}, "missing_previous_id"),
        (track(properties={"a": "x" * 70_000}), "event_too_large"),
        (track(properties={"a": nested(100)}), "too_deep"),
        (track(context={"a": nested(100)}), "too_deep"),
        (track(unknown=nested(100)), "too_deep"),
        (1, "not_an_object"),
        (None, "not_an_object"),
        ("x", "not_an_object"),
        ([], "not_an_object"),
    ],
)
def test_a_bad_item_is_rejected_alone(item: object, reason: str) -> None:
    """Its neighbours are stored, the answer is 200, and the reject says why and what it was."""
    decoded = decode(post("/v1/batch", batch(track(messageId="a"), item, track(messageId="c"))))
    assert decoded.reply.status == 200
    assert [event.id for event in decoded.events] == ["a", "c"]
    assert reasons(decoded) == [reason]
    assert decoded.rejects[0].source == "web"
    assert decoded.rejects[0].body == json.dumps(item).encode()[: intake.ITEM_REJECT_BYTES]


def test_a_bad_single_call_is_answered_200() -> None:
    """No SDK can do anything about it; as Segment does, it is taken and put aside."""
    decoded = decode(post("/v1/track", track(userId=None)))
    assert decoded.reply.status == 200
    assert reasons(decoded) == ["missing_identity"]
    assert decoded.rejects[0].source == "web"


@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b'{"batch":[{"a":1}', "invalid_json"),
        (b'{"a":01}', "invalid_json"),
        (b'{"batch":[],"a":"\n"}', "invalid_json"),
        (b'{"a":"\xff"}', "invalid_json"),
        (b"\xef\xbb\xbf", "invalid_json"),
        (b"a=b", "invalid_json"),
        (b"[" * 100_000 + b"]" * 100_000, None),
        (b'{"batch":[{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}]}", None),
        (b"[]", None),
        (b"1", None),
        (b'"x"', None),
        (b"null", None),
        (b"[NaN]", None),
    ],
)
def test_a_bad_request_is_answered_400(path: str, body: bytes, code: str | None) -> None:
    """Every SDK gives it up, and people can read why."""
    decoded = decode(post(path, body))
    reply = json.loads(decoded.reply.body)
    assert decoded.reply.status == 400
    assert set(reply) == {"success", "code", "message", "error"}
    assert reply["success"] is False
    assert code is None or reply["code"] == code
    assert not decoded.events
    assert reasons(decoded) == [reply["code"]]


@pytest.mark.parametrize(
    "body", [b"{}", b'{"batch":{}}', b'{"batch":[]}', b'{"batch":null}', b'{"batch":"x"}']
)
def test_a_batch_without_items_is_answered_400(body: bytes) -> None:
    """There is nothing to take."""
    decoded = decode(post("/v1/batch", body))
    assert json.loads(decoded.reply.body)["code"] == "invalid_batch"


def test_a_batch_of_a_number_is_an_items_fault() -> None:
    """The request is a batch; what is in it is not an event."""
    decoded = decode(post("/v1/batch", b'{"batch":[1]}'))
    assert decoded.reply.status == 200
    assert reasons(decoded) == ["not_an_object"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
def test_not_a_number_becomes_null(path: str, number: str) -> None:
    """Python writes it; the value goes, the event and what merely looks like it stay."""
    item = raw_item(properties=f'{{"a":{number},"b":[1,{number}],"NaN":"NaN \\"Infinity"}}')
    event = only(decode(post(path, item if path == "/v1/track" else raw_batch(item))))
    assert event.decoded_data() == {"a": None, "b": [1, None], "NaN": 'NaN "Infinity'}


def test_half_a_character_is_replaced() -> None:
    """A surrogate without its pair is no character: databases and strict readers refuse it."""
    item = raw_item(
        userId=r'"a\ud83d"', event=r'"\ude00 opened"', properties=r'{"\ud800":"x\udc00\ud83d\ude00 \\ud800"}'
    )
    event = only(decode(post("/v1/batch", raw_batch(item))))
    assert event.user_id == "a\ufffd"
    assert event.name == "\ufffd opened"
    assert event.decoded_data() == {"\ufffd": "x\ufffd\U0001f600 \\ud800"}


@pytest.mark.parametrize("digits", [4_300, 4_301])
@pytest.mark.parametrize("offset", [0, 4_095, 4_096, 9_000])
def test_numbers_no_reader_takes(digits: int, offset: int) -> None:
    """Python's own json refuses whole numbers over 4,300 digits; one less passes as it is, text always."""
    pad, number, in_text = "x" * offset, "9" * digits, "9" * 10_000
    text = f'{{"pad":"{pad}","a":{number},"b":"{in_text}"}}'
    decoded = decode(post("/v1/batch", raw_batch(raw_item(properties=text), raw_item(messageId='"2"'))))
    assert decoded.events[-1].id == "2"
    assert reasons(decoded) == ([] if digits == 4_300 else ["number_too_long"])
    if digits == 4_300:
        assert bytes(decoded.events[0].data) == text.encode()


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1E-400", "123456789012345678901234567890", "0.1e1"])
def test_numbers_are_kept_as_they_are_written(number: str) -> None:
    """Nothing is rounded on the way."""
    event = only(decode(post("/v1/track", raw_item(properties=f'{{"a":{number}}}'))))
    assert bytes(event.data) == b'{"a":%s}' % number.encode()


def test_the_last_of_duplicate_members_counts() -> None:
    """As in most readers of JSON."""
    assert only(decode(post("/v1/track", raw_item(userId='"a","userId":"b"')))).user_id == "b"
    assert only(decode(post("/v1/track", raw_item(userId='1,"userId":2')))).user_id == "2"


def test_a_byte_order_mark_is_no_part_of_the_body() -> None:
    """Some clients write one."""
    assert only(decode(post("/v1/track", b"\xef\xbb\xbf" + raw_item()))).id == "message-1"


def test_many_properties_and_bytes_beyond_ascii() -> None:
    """10,000 properties are unusual, not wrong."""
    properties = {f"property {number} é": number for number in range(10_000)}
    limits = LimitSettings(event_bytes=1_000_000)
    for body in (track(properties=properties), track(properties=properties, userId=7)):
        event = only(
            decode(post("/v1/track", json.dumps(body, ensure_ascii=False).encode()), make_source(limits))
        )
        assert event.decoded_data() == properties


@pytest.mark.parametrize("eol", ["\n", "\r\n", "\r"])
def test_stored_json_is_on_one_line(eol: str) -> None:
    """However the client laid it out."""
    body = json.dumps(batch(track(properties={"a": ["x\n", {"b": 1}]}, extra={"c": 1})), indent=2)
    event = only(decode(post("/v1/batch", body.replace("\n", eol).encode())))
    assert bytes(event.data) == b'{"a":["x\\n",{"b":1}]}'
    assert bytes(event.extra) == b'{"extra":{"c":1}}'


@pytest.mark.parametrize("levels", [97, 98, 99])
@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
def test_the_depth_is_exact(path: str, levels: int) -> None:
    """The event and its properties are two levels; brackets in texts and side by side are none."""
    item = track(properties={"a": nested(levels), "b": "[" * 200 + '\\"' + "{" * 200, "c": [[]] * 300})
    decoded = decode(post(path, item if path == "/v1/track" else batch(item)))
    assert reasons(decoded) == ([] if levels <= 98 else ["too_deep"])


def test_a_large_single_call_is_a_bad_request() -> None:
    """As Segment answers large payloads."""
    decoded = decode(post("/v1/track", track(properties={"a": "x" * 70_000})))
    assert decoded.reply.status == 400
    assert reasons(decoded) == ["event_too_large"]


def test_a_large_batch_of_small_events_is_taken() -> None:
    """The limit of an event is no limit of a batch, nor the other way round."""
    items = [track(messageId=str(number), properties={"a": "x" * 1_000}) for number in range(1_000)]
    decoded = decode(post("/v1/batch", batch(*items)))
    assert [event.id for event in decoded.events] == [str(number) for number in range(1_000)]
    items[500] = track(userId="x" * 70_000)
    decoded = decode(post("/v1/batch", batch(*items)))
    assert len(decoded.events) == 999
    assert reasons(decoded) == ["event_too_large"]


def test_events_beyond_the_limit_of_a_batch() -> None:
    """The first are stored; one reject tells of the rest."""
    limits = LimitSettings(batch_events=3)
    items = [track(messageId=str(number)) for number in range(5)]
    decoded = decode(post("/v1/batch", batch(*items)), make_source(limits))
    assert [event.id for event in decoded.events] == ["0", "1", "2"]
    assert reasons(decoded) == ["batch_too_long"]
    assert decoded.rejects[0].detail.startswith("2 events")


def test_millions_of_values_are_refused_before_they_cost_memory() -> None:
    """Each item of a list costs fifty times its digit."""
    decoded = decode(post("/v1/batch", b'{"batch":[' + b"1," * 1_000_000 + b"1]}"))
    assert decoded.reply.status == 400
    assert reasons(decoded) == ["too_many_values"]


@pytest.mark.parametrize("member", ["context", "integrations"])
def test_what_all_items_share_must_be_an_object(member: str) -> None:
    """A batch whose shared part is wrong is refused whole: none of its items is what the client meant."""
    decoded = decode(post("/v1/batch", batch(track(), **{member: [1]})))
    assert decoded.reply.status == 400
    assert reasons(decoded) == ["invalid_field"]


def test_numbers_for_texts_are_taken_as_written() -> None:
    """A user id from a database is often a number."""
    event = one(track(userId=7, anonymousId=1.5, messageId=12, event=404, timestamp=1795202579920))
    assert (event.user_id, event.anonymous_id, event.id, event.name) == ("7", "1.5", "12", "404")
    assert event.original_timestamp == "1795202579920"
    assert event.clock_flags == ("unparsable",)


@pytest.mark.parametrize("message_id", [["a"], {"a": 1}, True, "x" * 101, "é" * 101])
def test_an_unusable_id_becomes_one_that_stays_the_same(message_id: object) -> None:
    """The event is kept, a retry is recognised, and what the client said is in extra."""
    first, again = one(track(messageId=message_id)), one(track(messageId=message_id))
    assert first.id == again.id
    assert len(first.id) <= 100
    assert first.decoded_extra() == {"messageId": message_id}
    assert one(track(messageId="x" * 100)).id == "x" * 100


def test_an_event_without_id_gets_one() -> None:
    """In the order of arrival, and never the same twice."""
    ids = [one(track(messageId=missing)).id for missing in (None, "")]
    assert ids[0] != ids[1]
    assert all(each[14] == "7" and len(each) == 36 for each in ids)
    assert ids[0][:13] == ids[1][:13]


def test_nulls_are_absent() -> None:
    """Python and analytics.js send them for what they do not know."""
    body = batch(
        {
            **GOOD,
            "anonymousId": None,
            "integrations": None,
            "context": None,
            "category": None,
            "_metadata": None,
        }
    )
    event = only(decode(post("/v1/batch", {**body, "context": None, "writeKey": KEY}, {})))
    assert (event.anonymous_id, bytes(event.context), bytes(event.extra)) == (None, b"{}", b"{}")
    odd = only(decode(post("/v1/batch", {**body, "batch": [{**body["batch"][0], "userId": 7}]})))
    assert bytes(odd.extra) == b"{}"


@pytest.mark.parametrize("user_id", ["u", 7])
def test_what_all_items_share_may_not_be_too_deep(user_id: object) -> None:
    """Neither way of decoding lets it into an event."""
    shared = {"a": nested(98)}
    assert len(decode(post("/v1/batch", batch(track(userId=user_id), context=shared))).events) == 1
    for member in ("context", "integrations"):
        decoded = decode(post("/v1/batch", batch(track(userId=user_id), **{member: {"a": nested(99)}})))
        assert decoded.reply.status == 400
        assert reasons(decoded) == ["too_deep"]
