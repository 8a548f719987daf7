"""The address a request came from, as its headers and its connection tell."""

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_HEADERS = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_CLIENT_IP",
    "HTTP_X_REAL_IP",
    "HTTP_X_FORWARDED",
    "HTTP_X_CLUSTER_CLIENT_IP",
    "HTTP_FORWARDED_FOR",
    "HTTP_CF_CONNECTING_IP",
)
_MOST_HOPS = 32
_REMEMBERED_CHARS = 200
"""Clients choose these headers: what is remembered of them must not fill the memory."""
_NOWHERE = ("", "0.0.0.0", "::")  # noqa: S104  # looked for, not bound to


def client_ip(meta: Mapping[str, Any], forwarded_from: tuple[str, ...]) -> str:
    """Return the address of the client, "" where nothing tells.

    Headers count where the connection comes from one of the networks `forwarded_from`, or from a socket that
    only this machine has; not one that holds anything but addresses. Of all addresses the first public one
    wins, then the first that is not this machine's own: a proxy's stands where the client's is missing. The
    same as django-ipware 7 finds.
    """
    forwarded = tuple([meta.get(name) for name in _HEADERS])
    find = _find if len(forwarded[0] or "") <= _REMEMBERED_CHARS else _find.__wrapped__
    return find(meta.get("REMOTE_ADDR"), forwarded, forwarded_from)


@lru_cache(maxsize=4_096)
def _find(remote: str | None, forwarded: tuple[str | None, ...], forwarded_from: tuple[str, ...]) -> str:
    peer = _address(remote)
    candidates = [peer]
    if not peer or _within(peer, forwarded_from):
        candidates = [hop for text in forwarded if text for hop in _hops(text)] + candidates
    found = [address for address in candidates if address not in _NOWHERE]
    return min(found, key=_rank, default="")  # the first of the best


def _hops(text: str) -> list[str]:
    hops = [_address(part) for part in text.split(",", _MOST_HOPS)[:_MOST_HOPS]]
    return hops if all(hops) else []


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
    return str(getattr(address, "ipv4_mapped", None) or address)


def _rank(address: str) -> int:
    parsed = ipaddress.ip_address(address)
    if parsed.is_global:
        return 0
    return 3 if parsed.is_loopback else 2 if parsed.is_link_local else 1


def _within(address: str, networks: tuple[str, ...]) -> bool:
    parsed = ipaddress.ip_address(address)
    return any(parsed in network for network in _parsed(networks))


@lru_cache(maxsize=16)
def _parsed(networks: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(network, strict=False) for network in networks)
