"""URLs as they are sent to: each text is judged once."""

from typing import Final

from trackside.outbound.curl.transfer import Place
from trackside.outbound.policy import AddressPolicy
from trackside.outbound.proxy import Proxy
from trackside.outbound.url import Target, bare_address

KNOWN_URLS: Final = 4_096


class Places:
    """Reads URLs, and says no to those that may not be sent to."""

    def __init__(self, policy: AddressPolicy, proxy: Proxy | None) -> None:
        self._policy = policy
        self._proxy = proxy
        self._known: dict[str, Place | str] = {}

    def find(self, url: str) -> Place | str:
        """Return where a request goes, or why it may not."""
        known = self._known.get(url)
        if known is None:
            if len(self._known) >= KNOWN_URLS:
                self._known.clear()
            known = self._known[url] = self._judged(url)
        return known

    def _judged(self, url: str) -> Place | str:
        target = self._policy.target(url)
        if isinstance(target, str):
            return target
        host = f"[{target.host}]" if ":" in target.host else target.host
        query = f"?{target.query}" if target.query else ""
        return Place(
            url=f"{target.scheme}://{host}:{target.port}{target.path}{query}",
            host=target.host,
            secure=target.scheme == "https",
            dialled=self._dialled(target),
        )

    def _dialled(self, target: Target) -> tuple[str, int] | None:
        if self._proxy is not None:
            return _to_look_up(self._proxy.host, self._proxy.port)
        return _to_look_up(target.host, target.port)


def _to_look_up(host: str, port: int) -> tuple[str, int] | None:
    return None if bare_address(host) else (host, port)
