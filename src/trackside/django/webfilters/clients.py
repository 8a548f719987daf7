"""The clients that questions go through: one for the hooks of the settings, one for rows, each with its own ceiling."""

import threading
import time
from collections.abc import Collection, Sequence

from trackside.config.settings import Config
from trackside.django.webfilters.content import policy
from trackside.django.webhooks import surroundings
from trackside.outbound.base import Answer, Failed, Outgoing
from trackside.outbound.blocking import BlockingClient
from trackside.webfilters import Asker
from trackside.webfilters.asker import replies

_lock = threading.Lock()
_made: tuple[Config, BlockingClient] | None = None


def client_of_rows() -> BlockingClient:
    """Return the client for rows, whose ceiling and proxy are those of `[webhooks]`.

    Raises ConfigurationError, and ImportError where nothing is installed that could ask.
    """
    global _made  # noqa: PLW0603  # one for the process: its connections are kept
    config = surroundings.current().config
    found = _made
    if found is None or found[0] is not config:
        with _lock:
            found = _made = config, BlockingClient(policy=policy(), proxy=config.webhooks.proxy)
    return found[1]


class BothClients:
    """Keeps the contract of an asker: requests to the URLs of the settings go through its own client."""

    def __init__(self, of_settings: Asker, urls: Collection[str]) -> None:
        self._of_settings = of_settings
        self._urls = frozenset(urls)

    def ask(self, requests: Sequence[Outgoing], *, budget_s: float) -> Sequence[Answer | Failed]:
        """Return what came back for each, in their order; both clients ask side by side."""
        theirs = [request.url in self._urls for request in requests]
        if all(theirs):
            return self._of_settings.ask(requests, budget_s=budget_s)
        of_rows = _RowsAsker()
        if not any(theirs):
            return of_rows.ask(requests, budget_s=budget_s)
        first = [each for each, is_theirs in zip(requests, theirs, strict=True) if is_theirs]
        second = [each for each, is_theirs in zip(requests, theirs, strict=True) if not is_theirs]
        found: list[Sequence[Answer | Failed]] = []
        until = time.monotonic() + budget_s
        thread = threading.Thread(
            target=lambda: found.append(replies(of_rows, second, budget_s=budget_s)),
            name="trackside-webfilter",
            daemon=True,
        )
        thread.start()
        answers = iter(replies(self._of_settings, first, budget_s=budget_s))
        thread.join(max(0.0, until - time.monotonic()) + 0.1)
        others = iter(found[0] if found else _late(second))
        return [next(answers if is_theirs else others) for is_theirs in theirs]


class _RowsAsker:
    def ask(self, requests: Sequence[Outgoing], *, budget_s: float) -> Sequence[Answer | Failed]:
        return client_of_rows().ask(requests, budget_s=budget_s)


def _late(requests: Sequence[Outgoing]) -> Sequence[Answer | Failed]:
    from trackside.outbound.base import Fault

    return [Failed(fault=Fault.TIMEOUT, detail="too late")] * len(requests)
