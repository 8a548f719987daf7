"""What client SDKs are told before they send."""

import json
from typing import Any

import pytest

from tests.sources.segment_api.requests import KEY, basic, decode, make_source
from trackside.sources.base import Request
from trackside.testing.source_contract import RECEIVED_AT, request_of


def settings_request(
    key: str = KEY, *, host: bytes | None = b"events.example.org:8000", scheme: str = "http"
) -> Request:
    return Request(
        method="GET",
        path=f"/v1/projects/{key}/settings",
        query=b"",
        headers={} if host is None else {b"host": host},
        body=b"",
        received_at=RECEIVED_AT,
        client_ip=None,
        scheme=scheme,
    )


def booting_settings(host: str, protocol: str) -> dict[str, Any]:
    """Return the settings that booted analytics.js in a real browser, and sent everything to `host`."""
    return {
        "integrations": {
            "Segment.io": {
                "apiKey": KEY,
                "apiHost": f"{host}/v1",
                "protocol": protocol,
                "addBundledMetadata": True,
                "unbundledIntegrations": [],
                "maybeBundledConfigIds": {},
            }
        },
        "plan": {"track": {"__default": {"enabled": True, "integrations": {}}}},
        "middlewareSettings": {"routingRules": []},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0, "host": f"{host}/v1"},
        "edgeFunction": {},
        "remotePlugins": [],
        "legacyVideoPluginsEnabled": False,
        "consentSettings": {},
    }


@pytest.mark.parametrize(
    ("public_url", "host", "scheme", "expected"),
    [
        ("", b"events.example.org:8000", "http", ("events.example.org:8000", "http")),
        ("", b"events.example.org", "https", ("events.example.org", "https")),
        ("", b"[::1]:8000", "http", ("[::1]:8000", "http")),
        ("", None, "http", ("localhost", "http")),
        ("", b'evil"/\r\n', "http", ("localhost", "http")),
        ("", b"user@evil.example", "http", ("localhost", "http")),
        ("https://events.example.org", b"inside:8000", "http", ("events.example.org", "https")),
        ("https://example.org/events/", b"inside:8000", "http", ("example.org/events", "https")),
    ],
)
def test_settings_name_this_server(
    public_url: str, host: bytes | None, scheme: str, expected: tuple[str, str]
) -> None:
    """Host and protocol are the configured ones, or those the client used."""
    source = make_source(public_url=public_url)
    reply = decode(settings_request(host=host, scheme=scheme), source).reply
    assert reply.status == 200
    assert reply.content_type == b"application/json"
    assert json.loads(reply.body) == booting_settings(*expected)
    assert dict(reply.headers)[b"cache-control"] == b"public, max-age=60"


def test_settings_of_an_unknown_key() -> None:
    """404 as JSON, and nothing of it is stored: anybody can ask for anything."""
    decoded = decode(settings_request("nobody"))
    assert decoded.reply.status == 404
    assert json.loads(decoded.reply.body)["code"] == "invalid_write_key"
    assert not decoded.rejects


@pytest.mark.parametrize(
    ("headers", "query"), [(basic(), b"p=web&v=3"), ({}, f"p=web&writeKey={KEY}&build=x".encode())]
)
@pytest.mark.parametrize("path", ["/sourceConfig", "/sourceConfig/"])
def test_rudder_source_config(path: str, headers: dict[bytes, bytes], query: bytes) -> None:
    """RudderStack's SDKs boot: a source that is on, without destinations of its own."""
    reply = decode(request_of("GET", path, headers=headers, query=query)).reply
    source = json.loads(reply.body)["source"]
    assert reply.status == 200
    assert source["id"]
    assert (source["enabled"], source["config"], source["destinations"]) == (True, {}, [])


def test_rudder_source_config_of_an_unknown_key() -> None:
    """Its SDKs look for these words."""
    reply = decode(request_of("GET", "/sourceConfig", query=b"writeKey=nobody")).reply
    assert reply.status == 404
    assert b"invalid write key" in reply.body
