"""Which paths there are, and what each answers."""

import json
from typing import Any

import msgspec
import pytest

from tests.sources.segment_api.requests import KEY, batch, decode, make_source, only, post, track
from trackside.sources import cors
from trackside.sources.base import Reply
from trackside.testing.source_contract import request_of

CALLS: dict[str, dict[str, Any]] = {
    "track": track(type=None),
    "identify": {"userId": "u", "traits": {"email": "a@example.org"}},
    "page": {"anonymousId": "a", "name": "Home"},
    "screen": {"anonymousId": "a", "name": "Home"},
    "group": {"userId": "u", "groupId": "g"},
    "alias": {"userId": "u", "previousId": "p"},
}
SHORT = {"t": "track", "i": "identify", "p": "page", "s": "screen", "g": "group", "a": "alias"}
SINGLE = {f"/v1/{name}": name for name in CALLS} | {f"/v1/{short}": name for short, name in SHORT.items()}
BATCHES = ["/v1/b", "/v1/batch", "/v1/import", "/beacon/v1/batch"]


def assert_success(reply: Reply) -> None:
    assert reply.status == 200
    assert reply.content_type == b"application/json"
    assert json.loads(reply.body) == {"success": True}


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(("path", "name"), SINGLE.items())
def test_single_calls_take_their_type_from_the_path(path: str, name: str, slash: str) -> None:
    """Every single route, in both slash forms, answers 200 and never redirects."""
    decoded = decode(post(path + slash, CALLS[name]))
    assert_success(decoded.reply)
    assert only(decoded).type == name


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("path", BATCHES)
def test_batch_routes(path: str, slash: str) -> None:
    """Every batch route, in both slash forms."""
    decoded = decode(post(path + slash, batch(track(), track(messageId="2"))))
    assert_success(decoded.reply)
    assert [event.id for event in decoded.events] == ["message-1", "2"]
    assert decoded.source == "web"


@pytest.mark.parametrize("path", ["/v1/m", "/v1/m/"])
def test_metrics_of_sdks_are_discarded(path: str) -> None:
    """No key is needed, nothing is stored, and it is counted."""
    decoded = decode(post(path, {"series": [{"type": "Counter"}]}, {}))
    assert_success(decoded.reply)
    assert not decoded.events
    assert decoded.discarded == 1


def test_the_types_own_word_wins_over_the_path() -> None:
    """A body that says what it is is believed."""
    assert only(decode(post("/v1/page", track()))).type == "track"


@pytest.mark.parametrize(
    "path",
    ["/", "/v1", "/v1/", "/v1/x", "/v1/track/x", "/v1//track", "/v1/projects/K", "/v1/projects//settings"],
)
def test_other_paths_are_not_ours(path: str) -> None:
    """What is not a route is a 404 and not handled."""
    assert not make_source().handles(path)
    assert decode(post(path, track())).reply.status == 404


@pytest.mark.parametrize(
    "path",
    [
        *SINGLE,
        *BATCHES,
        "/v1/m",
        "/v1/pixel/track",
        "/pixel/v1/page",
        "/sourceConfig",
        "/v1/projects/K/settings",
    ],
)
def test_every_route_is_handled_in_both_forms(path: str) -> None:
    """The server can ask for each path."""
    source = make_source()
    assert source.handles(path)
    assert source.handles(path + "/")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "BREW"])
def test_a_wrong_method_says_which_is_right(method: str) -> None:
    """405 with Allow."""
    reply = decode(request_of(method, "/v1/track")).reply
    assert reply.status == 405
    assert (b"allow", b"POST") in reply.headers
    assert decode(request_of("POST", f"/v1/projects/{KEY}/settings")).reply.headers == (
        (b"allow", b"GET, HEAD"),
    )


@pytest.mark.parametrize("path", [*SINGLE, *BATCHES, "/v1/m", f"/v1/projects/{KEY}/settings"])
def test_preflight_needs_no_key(path: str) -> None:
    """The headers a browser asks for are allowed, for a time."""
    asked = {
        b"access-control-request-headers": b"authorization,x-retry-count",
        b"origin": b"https://example.org",
    }
    reply = decode(request_of("OPTIONS", path, headers=asked)).reply
    headers = dict(reply.headers)
    assert 200 <= reply.status < 300
    assert headers[b"access-control-allow-origin"] == b"*"
    assert headers[b"access-control-allow-headers"] == b"authorization,x-retry-count"
    assert b"POST" in headers[b"access-control-allow-methods"]
    assert int(headers[b"access-control-max-age"]) > 0


@pytest.mark.parametrize("asked", [b"", b"x\r\nset-cookie: a", b"a b", b",", b"*"])
def test_preflight_echoes_nothing_but_names(asked: bytes) -> None:
    """What is no list of header names gets the list of the SDKs' headers."""
    allowed = dict(cors.preflight_headers({b"access-control-request-headers": asked}))
    assert allowed[b"access-control-allow-headers"] == cors.DEFAULT_REQUEST_HEADERS


def test_every_answer_can_be_read_by_a_browser() -> None:
    """Any origin, and the wait it is told."""
    assert cors.reply_headers({}) == [
        (b"access-control-allow-origin", b"*"),
        (b"access-control-expose-headers", b"Retry-After"),
    ]


def test_credentials_only_for_configured_origins() -> None:
    """A star is refused by browsers that send cookies; the origin is named, and caches are told."""
    origins = {b"https://example.org"}
    named = dict(cors.reply_headers({b"origin": b"https://example.org"}, origins))
    assert named[b"access-control-allow-origin"] == b"https://example.org"
    assert named[b"access-control-allow-credentials"] == b"true"
    assert named[b"vary"] == b"Origin"
    other = dict(cors.reply_headers({b"origin": b"https://example.com"}, origins))
    assert other[b"access-control-allow-origin"] == b"*"
    assert b"access-control-allow-credentials" not in other


@pytest.mark.parametrize(
    "content_type",
    [b"text/plain", b"application/json; charset=utf-8", b"application/x-www-form-urlencoded", b"", None],
)
def test_the_body_is_json_whatever_it_is_called(content_type: bytes | None) -> None:
    """The content type is not looked at."""
    request = post("/v1/track", track())
    if content_type is not None:
        headers = {**request.headers, b"content-type": content_type}
        request = msgspec.structs.replace(request, headers=headers)
    assert only(decode(request)).id == "message-1"
