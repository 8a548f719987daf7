"""Where a write key may be, and what happens without one."""

import json
from base64 import b64encode, urlsafe_b64encode

import pytest

from tests.sources.segment_api.requests import (
    KEY,
    OTHER_KEY,
    basic,
    batch,
    decode,
    make_source,
    only,
    post,
    reasons,
    track,
)
from trackside.config.settings import LimitSettings
from trackside.sources.segment_api import SegmentApi, SegmentApiSettings

BEARER = {b"authorization": b"Bearer abc"}
JUNK_BASIC = {b"authorization": b"Basic !!!"}
QUERY = f"writeKey={KEY}".encode()
IN_ITEM = batch(track(writeKey=KEY))


@pytest.mark.parametrize(
    "headers",
    [
        basic(KEY + ":"),
        basic(KEY),
        basic(KEY + ":password"),
        {b"authorization": b"basic " + b64encode(KEY.encode())},
        {b"authorization": b"BASIC   " + b64encode(KEY.encode() + b":").rstrip(b"=")},
        {b"authorization": b"  Basic " + urlsafe_b64encode(KEY.encode() + b":") + b"  "},
    ],
)
@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
def test_basic_authorization(path: str, headers: dict[bytes, bytes]) -> None:
    """The user name is the key; colon, password and padding do not matter."""
    body = track() if path == "/v1/track" else batch(track())
    assert only(decode(post(path, body, headers))).source == "web"


def test_a_key_of_any_characters_works() -> None:
    """Keys are what somebody configured, not only letters."""
    key = "ключ/+:?ÿÿ"
    source = SegmentApi({key: "web"}, limits=LimitSettings())
    assert only(decode(post("/v1/track", track(), basic(key)), source)).source == "web"
    assert only(decode(post("/v1/track", track(writeKey=key), {}), source)).source == "web"


@pytest.mark.parametrize("headers", [{}, BEARER, JUNK_BASIC, basic("nobody:"), {b"authorization": b"Basic"}])
@pytest.mark.parametrize(
    ("path", "body", "query"),
    [
        ("/v1/track", track(writeKey=KEY), b""),
        ("/v1/batch", batch(track(), writeKey=KEY), b""),
        ("/v1/batch", batch(track(userId=7), writeKey=KEY), b""),
        ("/v1/batch", IN_ITEM, b""),
        ("/v1/track", track(), QUERY),
        ("/v1/batch", batch(track()), b"a=b&" + QUERY),
        ("/v1/batch", batch(track(writeKey="nobody")), QUERY),
    ],
)
def test_the_next_place_is_tried(path: str, body: object, query: bytes, headers: dict[bytes, bytes]) -> None:
    """Body, item and query are looked at where the header names no source of ours."""
    assert only(decode(post(path, body, headers, query=query))).source == "web"


def test_basic_wins_over_the_body() -> None:
    """A forwarded event brings the key of where it came from; the sender's own counts."""
    assert only(decode(post("/v1/track", track(writeKey=OTHER_KEY)))).source == "web"
    assert (
        only(decode(post("/v1/batch", batch(track(writeKey=OTHER_KEY), writeKey=OTHER_KEY)))).source == "web"
    )


def test_items_of_several_sources() -> None:
    """Where only the items have keys, each goes to its own source, and one without is rejected alone."""
    items = [
        track(messageId=name, writeKey=key) for name, key in (("a", KEY), ("b", OTHER_KEY), ("c", "nobody"))
    ]
    decoded = decode(post("/v1/b", batch(*items), {}))
    assert [(event.id, event.source) for event in decoded.events] == [("a", "web"), ("b", "app")]
    assert reasons(decoded) == ["invalid_write_key"]
    assert decoded.source == ""


@pytest.mark.parametrize(
    "headers", [{}, BEARER, JUNK_BASIC, basic("nobody:"), {b"authorization": KEY.encode()}]
)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/track", track()),
        ("/v1/track", track(writeKey="nobody")),
        ("/v1/track", track(writeKey="")),
        ("/v1/track", track(writeKey=7)),
        ("/v1/batch", batch(track(), track())),
        ("/v1/batch", batch(track(), 1, writeKey="nobody")),
    ],
)
def test_without_a_known_key_nothing_is_taken(path: str, body: object, headers: dict[bytes, bytes]) -> None:
    """400, with everything that any SDK looks for; one reject, short."""
    decoded = decode(post(path, body, headers))
    reply = json.loads(decoded.reply.body)
    assert decoded.reply.status == 400
    assert reply["success"] is False
    assert reply["code"] == "invalid_write_key"
    assert "invalid write key" in reply["message"]
    assert reply["error"] == reply["message"]
    assert not decoded.events
    assert reasons(decoded) == ["invalid_write_key"]
    assert decoded.rejects[0].source == ""


def test_a_refused_request_is_kept_in_short() -> None:
    """Whoever has no key cannot fill the disk."""
    decoded = decode(post("/v1/track", track(properties={"a": "x" * 10_000}), {}))
    assert len(decoded.rejects[0].body) == 1_024


def test_write_keys_never_reach_the_event() -> None:
    """A key is a credential and not part of what happened."""
    for item in (track(writeKey=KEY), track(writeKey=KEY, userId=7)):
        event = only(decode(post("/v1/batch", batch(item, writeKey=KEY))))
        assert KEY.encode() not in bytes(event.extra) + bytes(event.data) + bytes(event.context)


def test_settings_take_one_key_or_several() -> None:
    """While a key is being replaced, the old one and the new one work."""
    assert SegmentApiSettings(write_key="a").write_keys == ("a",)
    assert SegmentApiSettings(write_key=("a", "b", "")).write_keys == ("a", "b")
    assert SegmentApiSettings(write_key="").write_keys == ()


def test_no_source_configured() -> None:
    """Without keys nothing is taken, not even an empty one."""
    source = SegmentApi({}, limits=LimitSettings())
    assert source.write_keys == ()
    for headers in ({}, basic(":")):
        assert decode(post("/v1/track", track(writeKey=""), headers), source).reply.status == 400
    assert make_source().write_keys == (KEY, OTHER_KEY)
