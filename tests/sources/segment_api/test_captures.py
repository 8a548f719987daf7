"""Requests as real SDKs sent them, recorded in November 2026."""

import gzip
import json
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.sources.segment_api.requests import decode
from trackside.sources.base import Request
from trackside.testing.source_contract import request_of

FOLDER = Path(__file__).parents[2] / "captures"
FILES = ["browser-standard.jsonl", "node.jsonl", "python.jsonl", "rudder-node.jsonl"]


def recorded(name: str) -> Iterator[tuple[Request, Any]]:
    """Yield each request, its content encoding undone, and its body as decoded when it was recorded."""
    for line in (FOLDER / name).read_text().splitlines():
        capture = json.loads(line)
        headers = {key.lower().encode(): value.encode() for key, value in capture["headers"]}
        body = b64decode(capture["raw_b64"])
        if headers.get(b"content-encoding") == b"gzip":
            body = gzip.decompress(body)
        url = urlsplit(capture["path"])
        request = request_of(capture["method"], url.path, body, headers, query=url.query.encode())
        yield request, capture["json"]


@pytest.mark.parametrize("name", FILES)
def test_every_recorded_request_is_taken(name: str) -> None:
    """Every event of every SDK becomes one, with what it said; every other request is answered."""
    found = 0
    for request, body in recorded(name):
        decoded = decode(request)
        assert 200 <= decoded.reply.status < 300
        assert not decoded.rejects
        calls = [] if body is None else body.get("batch", [body])
        assert len(decoded.events) == len(calls)
        found += len(calls)
        for event, call in zip(decoded.events, calls, strict=True):
            assert event.id == call["messageId"]
            assert event.type == call["type"]
            assert event.user_id == call.get("userId")
            assert event.anonymous_id == call.get("anonymousId")
            assert event.original_timestamp == call.get("originalTimestamp", call.get("timestamp"))
            assert event.sent_at == call.get("sentAt", body.get("sentAt"))
            assert event.decoded_context().items() >= call["context"].items()
            assert (
                event.decoded_data().items() >= (call.get("properties") or call.get("traits") or {}).items()
            )
            assert event.decoded_extra().get("_metadata") == call.get("_metadata")
    assert found > 0


@pytest.mark.parametrize("name", FILES)
def test_a_replay_brings_the_same_events(name: str) -> None:
    """So the log can tell."""
    for request, _ in recorded(name):
        assert list(decode(request).events) == list(decode(request).events)
