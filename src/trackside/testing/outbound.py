"""A client that sends nothing: it keeps what it was given, and answers from a script."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from inspect import isawaitable

from trackside.outbound.base import Answer, Failed, Fault, Outgoing

Reply = Answer | Failed
Script = Iterable[Reply] | Callable[[Outgoing], Reply | Awaitable[Reply]]
"""The replies in order, the last one for all that follow; or what makes one from the request."""


def answer(status: int = 200, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
    """Return an answer; header names in any case."""
    lower = {name.lower(): value for name, value in (headers or {}).items()}
    return Answer(status=status, headers=lower, body=body)


class FakeClient:
    """Keeps the contract of `trackside.outbound.base.Client` without a network.

    `requests` are those that were sent, in order. `send` returns what the script says, 200 without one; after
    `close` it fails as LOCAL, as every client does.
    """

    def __init__(self, script: Script = ()) -> None:
        self.requests: list[Outgoing] = []
        self.closed = False
        self._make = script if callable(script) else None
        self._replies = [] if callable(script) else [*script]

    async def send(self, request: Outgoing) -> Reply:
        """Keep the request and return what the script says."""
        if self.closed:
            return Failed(fault=Fault.LOCAL, detail="the client is closed", maybe_sent=False)
        self.requests.append(request)
        if self._make is not None:
            reply = self._make(request)
            return await reply if isawaitable(reply) else reply
        if len(self._replies) > 1:
            return self._replies.pop(0)
        return self._replies[0] if self._replies else answer()

    async def close(self) -> None:
        """Send nothing more."""
        self.closed = True
