"""One request without ASGI: refused once, whatever still comes of its body."""

from datetime import UTC, datetime
from unittest import mock

from trackside.server.body import Buffers
from trackside.server.collector import Client
from trackside.server.exchange import Exchange
from trackside.server.heads import Head


def test_a_body_is_refused_once() -> None:
    """While the reject of a much too large body waits for its commit, further parts make no other one."""
    collector = mock.Mock(body_limit=10, buffers=Buffers(1_000))
    head = Head(
        method="POST",
        path="/v1/batch",
        query=b"",
        headers={},
        scheme="http",
    )
    client = Client(None, datetime.now(UTC))
    exchange = Exchange(mock.Mock(collector=collector), head, client, keep_alive=True)
    for _ in range(10):
        exchange.feed(bytes(10))
    exchange.complete()
    assert collector.refuse.call_count == 1
    assert not collector.take.called
    assert collector.buffers.used == 0
    assert not exchange.keep_alive
