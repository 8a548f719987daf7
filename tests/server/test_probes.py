"""Probes are read, not written to."""

import asyncio
from typing import Any

import pytest

from trackside.server.asgi import Message
from trackside.server.probes import Readiness, probes


def ask(path: str, method: str, readiness: Readiness | None = None) -> tuple[int, dict[bytes, bytes], bytes]:
    """Return status, headers and body of the answer."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    application = probes(readiness or Readiness(), lambda: (b"numbers", b"text/plain"), "1.0")[path]
    scope: dict[str, Any] = {"type": "http", "method": method, "path": path}

    async def run() -> None:
        await application(scope, receive, send)

    asyncio.run(run())
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_probe_is_read(path: str, method: str) -> None:
    status, headers, _ = ask(path, method)
    assert status == 200
    assert headers[b"cache-control"] == b"no-store"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_nothing_else_is_answered(path: str, method: str) -> None:
    status, headers, body = ask(path, method)
    assert (status, headers[b"allow"]) == (405, b"GET, HEAD")
    assert b"only answers" in body


def test_a_server_that_is_not_ready_says_why() -> None:
    readiness = Readiness()
    readiness.add_check("log", lambda: "the disk is full")
    status, _, body = ask("/readyz", "GET", readiness)
    assert status == 503
    assert b"the disk is full" in body
