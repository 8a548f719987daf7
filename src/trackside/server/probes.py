"""What machines ask a server: is it alive, may it be sent requests, what are its numbers."""

import asyncio
from collections.abc import Callable

import msgspec

from trackside.server.asgi import Application, Receive, Scope, Send, respond


class Readiness:
    """Whether this process wants requests; false before everything stands, while it stops, or without storage."""

    def __init__(self) -> None:
        self.stopping = False
        self._checks: dict[str, Callable[[], str | None]] = {}

    def add_check(self, name: str, check: Callable[[], str | None]) -> None:
        """Ask `check` too; it returns None where all is well, else one sentence."""
        self._checks[name] = check

    def problems(self) -> dict[str, str]:
        """Return what speaks against sending requests here."""
        if self.stopping:
            return {"server": "it is stopping"}
        return {name: problem for name, check in self._checks.items() if (problem := check()) is not None}


def probes(
    readiness: Readiness, metrics: Callable[[], tuple[bytes, bytes]], version: str
) -> dict[str, Application]:
    """Return the probes by path. `metrics` gives the body and its content type."""

    async def alive(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        await respond(send, 200, msgspec.json.encode({"status": "ok", "version": version}), headers=_FRESH)

    async def ready(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        problems = await asyncio.to_thread(readiness.problems)  # it reads the disk
        body = msgspec.json.encode({"status": "unavailable" if problems else "ok", "problems": problems})
        await respond(send, 503 if problems else 200, body, headers=_FRESH)

    async def numbers(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        body, content_type = await asyncio.to_thread(metrics)
        await respond(send, 200, body, content_type=content_type, headers=_FRESH)

    return {"/healthz": _read_only(alive), "/readyz": _read_only(ready), "/metrics": _read_only(numbers)}


def _read_only(application: Application) -> Application:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in {"GET", "HEAD"}:
            await application(scope, receive, send)
        else:
            await respond(send, 405, _ONLY_READ, headers=((b"allow", b"GET, HEAD"), *_FRESH))

    return answer


_ONLY_READ = msgspec.json.encode({"error": "this path only answers GET and HEAD"})
_FRESH = ((b"cache-control", b"no-store"),)
