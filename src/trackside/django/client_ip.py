"""The address a request came from, as its headers and its connection tell."""

import ipaddress
from collections.abc import Iterable, Mapping
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_HEADERS = ("HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_CLIENT_IP", "HTTP_FORWARDED_FOR")
_PUBLIC, _PRIVATE, _LOOPBACK = range(3)


def client_ip(meta: Mapping[str, object], forwarded_from: tuple[str, ...]) -> str:
    """Return the address of the client, "" where nothing tells.

    Headers count where the connection comes from one of the networks `forwarded_from`, or from a socket that
    only this machine has. Of several addresses the first public one wins, then the first of a private
    network: a proxy's own address stands where the client's is missing.
    """
    peer = _address(meta.get("REMOTE_ADDR"))
    best, best_rank = "", _LOOPBACK + 1
    for candidate in _candidates(meta, peer, forwarded_from):
        rank = _rank(candidate)
        if rank < best_rank:
            best, best_rank = candidate, rank
            if rank == _PUBLIC:
                break
    return best


def _candidates(meta: Mapping[str, object], peer: str, forwarded_from: tuple[str, ...]) -> Iterable[str]:
    if any(name in meta for name in _HEADERS) and (not peer or _within(peer, forwarded_from)):
        for name in _HEADERS:
            if first := _address(str(meta.get(name, "")).partition(",")[0]):
                yield first
    if peer:
        yield peer


@lru_cache(maxsize=4_096)
def _address(text: object) -> str:
    """Return an address in its usual spelling, without port and brackets; "" where `text` is none."""
    plain = str(text or "").strip()
    if plain.startswith("["):
        plain = plain[1:].partition("]")[0]
    elif plain.count(":") == 1:
        plain = plain.partition(":")[0]
    try:
        address = ipaddress.ip_address(plain)
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


@lru_cache(maxsize=4_096)
def _rank(address: str) -> int:
    parsed = ipaddress.ip_address(address)
    if parsed.is_loopback or parsed.is_unspecified:
        return _LOOPBACK
    return _PRIVATE if any(parsed in network for network in _PRIVATE_NETWORKS) else _PUBLIC


@lru_cache(maxsize=4_096)
def _within(address: str, networks: tuple[str, ...]) -> bool:
    parsed = ipaddress.ip_address(address)
    return any(parsed in network for network in _parsed(networks))


@lru_cache(maxsize=16)
def _parsed(networks: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(network, strict=False) for network in networks)


_PRIVATE_NETWORKS = _parsed(
    (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "100.64.0.0/10",
        "fc00::/7",
        "fe80::/10",
    )
)
