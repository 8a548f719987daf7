"""Who is calling: the client's address and scheme, proxies taken into account where they are trusted."""

import ipaddress
from collections.abc import Iterable, Mapping

from trackside.errors import ConfigurationError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ClientAddress:
    """Tells a request's client address and scheme; headers of others than trusted proxies are not believed."""

    def __init__(self, trusted_proxies: Iterable[str]) -> None:
        self._networks: list[Network] = []
        for proxy in trusted_proxies:
            try:
                self._networks.append(ipaddress.ip_network(proxy, strict=False))
            except ValueError as error:
                raise ConfigurationError(
                    f"trusted_proxies has {proxy!r}; want addresses or networks"
                ) from error
        self._known: dict[str, bool] = {}

    def is_trusted(self, address: str) -> bool:
        """Return whether `address` belongs to a trusted proxy; remembered, as proxies are few."""
        known = self._known.get(address)
        if known is None:
            if len(self._known) > 10_000:
                self._known.clear()
            known = self._known[address] = self._is_listed(address)
        return known

    def ip(self, peer: str | None, headers: Mapping[bytes, bytes]) -> str | None:
        """Return the address nearest to us that is no trusted proxy, or None where `peer` has none."""
        forwarded = headers.get(b"x-forwarded-for")
        if forwarded is None or peer is None or not self.is_trusted(peer):
            return peer
        address = peer
        for hop in reversed(forwarded.decode("latin-1").split(",")):
            candidate = _bare_address(hop.strip())
            if candidate is None:
                break
            address = candidate
            if not self.is_trusted(candidate):
                break
        return address

    def scheme(self, peer: str | None, scheme: str, headers: Mapping[bytes, bytes]) -> str:
        """Return http or https as the client used it; `scheme` is how `peer` reached us."""
        forwarded = headers.get(b"x-forwarded-proto")
        if forwarded is not None and peer is not None and self.is_trusted(peer):
            proto = forwarded.decode("latin-1").split(",")[0].strip().lower()
            if proto in {"http", "https"}:
                return proto
        return scheme

    def _is_listed(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._networks if network.version == parsed.version)


def _bare_address(hop: str) -> str | None:
    """Return the address in `hop` without port and brackets, or None where it is none."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        return str(ipaddress.ip_address(hop))
    except ValueError:
        return None
