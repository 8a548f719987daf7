"""What client SDKs ask for before they send: where to send, and with which key."""

import re
from hashlib import blake2b
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from trackside.sources.base import Reply, Request

_HOST = re.compile(r"[A-Za-z0-9._\-]+(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?")
_CACHEABLE = ((b"cache-control", b"public, max-age=60"),)


class PublicAddress(Struct, frozen=True):
    """Where clients reach this server."""

    protocol: str
    host: str
    """Host, port where it is not the usual one, and path prefix: `events.example.org/prefix`."""


def public_address(public_url: str, request: Request) -> PublicAddress:
    """Return the configured address, or else the one the client used."""
    if public_url:
        parts = urlsplit(public_url)
        return PublicAddress(parts.scheme or "https", f"{parts.netloc}{parts.path.rstrip('/')}")
    host = request.headers.get(b"host", b"").decode("latin-1")
    return PublicAddress(request.scheme, host if _HOST.fullmatch(host) else "localhost")


def segment_settings(write_key: str, address: PublicAddress) -> Reply:
    """Return what boots analytics.js, and makes it and the mobile SDKs send everything here.

    Each member has its reason: without `apiHost` and `metrics` the browser sends to Segment, with any other
    integration or routing rule it loads code from a CDN (analytics-next 1.84.3 in Chromium, November 2026).
    """
    host = f"{address.host}/v1"
    integration = {
        "apiKey": write_key,
        "apiHost": host,
        "protocol": address.protocol,
        "addBundledMetadata": True,
        "unbundledIntegrations": [],
        "maybeBundledConfigIds": {},
    }
    settings = {
        "integrations": {"Segment.io": integration},
        "plan": {"track": {"__default": {"enabled": True, "integrations": {}}}},
        "middlewareSettings": {"routingRules": []},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0, "host": host},
        "edgeFunction": {},
        "remotePlugins": [],
        "legacyVideoPluginsEnabled": False,
        "consentSettings": {},
    }
    return Reply(status=200, body=msgspec.json.encode(settings), headers=_CACHEABLE)


def rudder_source_config(source: str) -> Reply:
    """Return what RudderStack's SDKs need: a source that is on and has no destinations of its own."""
    identity = blake2b(source.encode(), digest_size=8).hexdigest()
    body = {"source": {"id": identity, "name": source, "enabled": True, "config": {}, "destinations": []}}
    return Reply(status=200, body=msgspec.json.encode(body), headers=_CACHEABLE)
