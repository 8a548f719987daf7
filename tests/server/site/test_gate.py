"""The project starts when events are taken; who asks for its pages before waits."""

import asyncio

import pytest

from trackside.server.asgi import Receive, Scope, Send
from trackside.server.site import boot
from trackside.server.site.boot import Gate


async def receive() -> dict[str, object]:
    """Nobody asks for the body."""
    raise AssertionError


def test_it_starts_after_the_server_and_requests_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        started: list[bool] = []
        sent: list[object] = []
        serving = asyncio.Event()

        async def project(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})

        def stand() -> object:
            started.append(serving.is_set())
            return project

        async def send(message: object) -> None:
            sent.append(message)

        monkeypatch.setattr(boot, "boot", stand)
        gate = Gate()
        gate.start(after=serving)
        asked = asyncio.create_task(gate({"type": "http"}, receive, send))
        await asyncio.sleep(0)
        assert (started, sent, gate.problem()) == ([], [], "it is starting")
        serving.set()
        await asked
        assert (started, len(sent), gate.problem()) == ([True], 1, None)

    asyncio.run(run())
