"""The address a request came from, as its headers and its connection tell."""

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_HEADERS = ("HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_CLIENT_IP", "HTTP_FORWARDED_FOR")
_REMEMBERED_CHARS = 200
"""Clients choose these headers: what is remembered of them must not fill the memory."""
_PUBLIC, _PRIVATE, _LOOPBACK = range(3)


def client_ip(meta: Mapping[str, Any], forwarded_from: tuple[str, ...]) -> str:
    """Return the address of the client, "" where nothing tells.

    Headers count where the connection comes from one of the networks `forwarded_from`, or from a socket that
    only this machine has. Of several addresses the first public one wins, then the first of a private
    network: a proxy's own address stands where the client's is missing.
    """
    forwarded = tuple([meta.get(name) for name in _HEADERS])
    find = _find if len(forwarded[0] or "") <= _REMEMBERED_CHARS else _find.__wrapped__
    return find(meta.get("REMOTE_ADDR"), forwarded, forwarded_from)


@lru_cache(maxsize=4_096)
def _find(remote: str | None, forwarded: tuple[str | None, ...], forwarded_from: tuple[str, ...]) -> str:
    peer = _address(remote)
    candidates = [peer]
    if not peer or _within(peer, forwarded_from):
        candidates = [_address((text or "").partition(",")[0]) for text in forwarded] + candidates
    return min(filter(None, candidates), key=_rank, default="")  # the first of the best


def _address(text: str | None) -> str:
    """Return an address in its usual spelling, without port and brackets; "" where `text` is none."""
    plain = (text or "").strip()
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


def _rank(address: str) -> int:
    parsed = ipaddress.ip_address(address)
    if parsed.is_loopback or parsed.is_unspecified:
        return _LOOPBACK
    return _PRIVATE if any(parsed in network for network in _PRIVATE_NETWORKS) else _PUBLIC


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
