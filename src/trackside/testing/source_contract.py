"""The tests every source passes. A new one subclasses `SourceContract` and says what a good request is.

class TestMine(SourceContract):
    def make_source(self): return Mine(…)
    def good_request(self): return request_of("POST", "/mine", b"…", {b"authorization": b"…"})
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from trackside.event import Event
from trackside.sources.base import Decoded, NeedsUsers, Request, Source

RECEIVED_AT = datetime(2026, 11, 20, 19, 25, 0, tzinfo=UTC)
"""When the requests of `request_of` arrive."""

JUNK = (
    b"",
    b"null",
    b"1",
    b'"x"',
    b"[]",
    b"{}",
    b"[1]",
    b'{"batch":{}}',
    b'{"batch":[1]}',
    b"{",
    b"\xff\xfe",
    b"\x00",
    b'{"a":"\\ud800"}',
    b'{"a":NaN}',
    b"[" * 100_000,
    b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
    b"9" * 10_000,
    b"data=%7B%7D",
)
"""Bodies that are not what any protocol expects."""


def request_of(
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[bytes, bytes] | None = None,
    *,
    query: bytes = b"",
    client_ip: str | None = None,
) -> Request:
    """Return a request that arrived at `RECEIVED_AT`."""
    return Request(
        method=method,
        path=path,
        query=query,
        headers=headers or {},
        body=body,
        received_at=RECEIVED_AT,
        client_ip=client_ip,
    )


def decode(source: Source, request: Request) -> Decoded:
    """Return what `source` makes of `request`, its users loaded where that was needed, as the server does."""
    for _ in range(3):
        decoded = source.decode(request)
        if not isinstance(decoded, NeedsUsers):
            return decoded
        decoded.directory.load(decoded.wanted)
    raise AssertionError("the source asks for users that were loaded")


def check_decoded(decoded: Decoded, request: Request) -> None:
    """Assert what the log, the destinations and the client rely on, whatever was decoded."""
    assert 200 <= decoded.reply.status < 500, decoded.reply
    if decoded.reply.content_type == b"application/json" and decoded.reply.body:
        assert isinstance(json.loads(decoded.reply.body), dict)
    for event in decoded.events:
        check_event(event, request.received_at)
    for reject in decoded.rejects:
        assert reject.received_at == request.received_at
        assert reject.reason
        assert reject.reason == reject.reason.lower()
        assert reject.detail


def check_event(event: Event, received_at: datetime) -> None:
    """Assert that `event` can be stored and read by anybody."""
    assert 1 <= len(event.id) <= 100
    assert event.name
    assert event.type
    assert event.source
    assert event.received_at == received_at
    assert event.timestamp.utcoffset() == timedelta(0)
    assert event.timestamp <= received_at
    for raw in (event.data, event.context, event.extra):
        text = bytes(raw)
        assert b"\n" not in text
        assert b"\r" not in text
        assert isinstance(json.loads(text.decode()), dict)
    stored = msgspec.json.decode(msgspec.json.encode(event), type=Event)
    assert stored == event


class SourceContract(ABC):
    """What the collector, the pipeline and the log rely on."""

    unauthorized_status: int | None = 400
    """What a request without credentials is answered; None where the protocol has no credentials."""

    @abstractmethod
    def make_source(self) -> Source:
        """Return the source under test, configured so that `good_request` is authorized."""

    @abstractmethod
    def good_request(self) -> Request:
        """Return a request that brings one event at least, with an id of its own."""

    def test_a_good_request_brings_events(self) -> None:
        """What is right is taken whole, and the answer says so."""
        request = self.good_request()
        decoded = decode(self.make_source(), request)
        check_decoded(decoded, request)
        assert decoded.events
        assert not decoded.rejects
        assert decoded.reply.status == 200

    def test_decoding_is_repeatable(self) -> None:
        """A request that is sent again brings the same ids, so that the log can tell."""
        source, request = self.make_source(), self.good_request()
        first, second = decode(source, request), decode(source, request)
        assert list(first.events) == list(second.events)

    @pytest.mark.parametrize("body", JUNK)
    def test_junk_is_answered(self, body: bytes) -> None:
        """No body raises, and none becomes an event that cannot be stored."""
        request = msgspec.structs.replace(self.good_request(), body=body)
        check_decoded(decode(self.make_source(), request), request)

    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
    def test_any_method_is_answered(self, method: str) -> None:
        """No method raises."""
        request = msgspec.structs.replace(self.good_request(), method=method)
        check_decoded(decode(self.make_source(), request), request)

    def test_missing_credentials_store_nothing(self) -> None:
        """Without what authorizes it a request brings no event."""
        if self.unauthorized_status is None:
            pytest.skip("the protocol has no credentials")
        request = msgspec.structs.replace(self.good_request(), headers={}, query=b"")
        decoded = decode(self.make_source(), request)
        check_decoded(decoded, request)
        assert not decoded.events
        assert decoded.reply.status == self.unauthorized_status
