"""The client that questions go through, and what its failures are to a hook."""

import logging
from collections.abc import Sequence
from typing import Protocol

from trackside.outbound.base import Answer, Failed, Fault, Outgoing

logger = logging.getLogger(__name__)


class Asker(Protocol):
    """Sends requests side by side in the calling thread."""

    def ask(self, requests: Sequence[Outgoing], *, budget_s: float) -> Sequence[Answer | Failed]:
        """Return what came back, one for each request in their order, after `budget_s` at the latest.

        Each request has its own `timeout_s` besides.
        """
        ...


def replies(asker: Asker, requests: Sequence[Outgoing], *, budget_s: float) -> Sequence[Answer | Failed]:
    """Return what came back for each request. Never raises: a client's own fault is one of ours."""
    try:
        found = asker.ask(requests, budget_s=budget_s)
    except Exception as error:  # the border: whatever a client does, hooks fail by their policy
        logger.exception("hooks could not be asked")
        found = [_not_asked(type(error).__name__)] * len(requests)
    if len(found) != len(requests):
        logger.error("hooks could not be asked", extra={"asked": len(requests), "replies": len(found)})
        found = [_not_asked("the client lost replies")] * len(requests)
    return found


def _not_asked(detail: str) -> Failed:
    return Failed(fault=Fault.LOCAL, detail=detail)
