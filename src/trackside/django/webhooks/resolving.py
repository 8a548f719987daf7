"""Where a URL's host leads to when it is saved: a courtesy to whoever mistyped; the rule is kept at each connection."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from trackside.destinations.webhook import WebhookSettings, policy_of
from trackside.outbound.names import Lookup, system_lookup
from trackside.outbound.policy import AddressPolicy

DEADLINE_S: Final = 3.0


def refused_addresses(settings: WebhookSettings, *, lookup: Lookup = system_lookup) -> dict[str, list[str]]:
    """Return what is wrong with the addresses that the hosts of the settings' URLs lead to, by setting."""
    return refused(settings, policy_of(settings), lookup=lookup)


def refused(settings: object, policy: AddressPolicy, *, lookup: Lookup) -> dict[str, list[str]]:
    """Return what a policy says of the addresses that the settings' URLs lead to, by setting.

    A host that cannot be resolved within the deadline, or not at all, is nobody's mistake yet.
    """
    found: dict[str, list[str]] = {}
    for name in ("url", "oauth_token_url"):
        url = getattr(settings, name)
        target = policy.target(url) if url else ""
        if isinstance(target, str) or target.address is not None:
            continue
        for address in _addresses(target.host, lookup):
            if reason := policy.why_not_address(address, target.host):
                found[name] = [
                    f"{name} must not be asked: an address of its host is not to be reached: {reason}"
                ]
    return found


def _addresses(host: str, lookup: Lookup) -> Sequence[str]:
    answers: list[Sequence[str]] = []

    def ask() -> None:
        with suppress(OSError, UnicodeError):
            answers.append(lookup(host))

    thread = threading.Thread(target=ask, name="trackside-lookup", daemon=True)
    thread.start()
    thread.join(DEADLINE_S)
    return answers[0] if answers else ()
