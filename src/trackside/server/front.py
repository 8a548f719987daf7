"""The front of the server: events to the collector, probes to the machine pages, people to the Django project."""

from collections.abc import Callable

from trackside.server.asgi import Application, Receive, Scope, Send
from trackside.server.client import ClientAddress

_API = "/v1/"
"""A path of the API that does not exist is answered by the collector too: as JSON, and readable for pages."""


class Front:
    """The ASGI application uvicorn runs; it looks at the path and hands the request on."""

    def __init__(
        self,
        *,
        collects: Callable[[str], bool],
        collector: Application,
        probes: dict[str, Application],
        site: Application,
        addresses: ClientAddress,
    ) -> None:
        self._collects = collects
        self._collector = collector
        self._probes = probes
        self._site = site
        self._addresses = addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on one request."""
        path = scope["path"]
        if self._collects(path) or path.startswith(_API):
            await self._collector(scope, receive, send)
            return
        probe = self._probes.get(path)
        if probe is not None:
            await probe(scope, receive, send)
            return
        headers = dict(scope["headers"])
        peer = scope["client"][0] if scope.get("client") else None
        scope["scheme"] = self._addresses.scheme(peer, scope["scheme"], headers)
        address = self._addresses.ip(peer, headers)
        if address is not None:
            scope["client"] = (address, 0)
        await self._site(scope, receive, send)
