"""What the delivery engine asks: which webhooks the database declares now."""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from django.db import Error, connections, router
from msgspec.structs import replace

from trackside.destinations.base import DestinationSettings
from trackside.destinations.webhook import WebhookSettings
from trackside.django.webhooks import actions, surroundings
from trackside.django.webhooks.content import settings_of
from trackside.django.webhooks.models import State, Webhook, state_of_all
from trackside.errors import ConfigurationError, StorageError, TracksideError
from trackside.sqlite.unchanged import Trace, trace_of

logger = logging.getLogger(__name__)

Now = Callable[[], datetime]


class WebhookDeclarations:
    """Keeps the contract `trackside.delivery.declarations.Declarations` over the rows.

    A row whose name the configuration file declares is not there: the file counts. One that cannot be used, because
    its secrets cannot be read or its settings are no good any more, is there and not enabled, so that it keeps its
    place in the log.
    """

    def __init__(self, *, keeps_connection: bool = True, now: Now = lambda: datetime.now(UTC)) -> None:
        """Without `keeps_connection` each call closes its connection: for threads that Django does not know of.

        Then a SQLite database that nobody has written since it was read is not opened at all.
        """
        self._keeps_connection = keeps_connection
        self._now = now
        self._found: Mapping[str, DestinationSettings] = MappingProxyType({})
        self._state: State | None = None
        self._trace: Trace | None = None
        self._until_s = float("inf")
        """When the next signing key stops, in seconds since 1970."""
        self._told: dict[str, str] = {}
        self._given_up: set[str] = set()
        """Webhooks that were given up when the rows were last read: paused in the log too."""

    def current(self) -> Mapping[str, DestinationSettings]:
        """Return the webhooks of the database; the same object where none has changed. Raises StorageError."""
        trace = None if self._keeps_connection else _trace(self._now())
        if trace is not None and trace == self._trace and self._now().timestamp() < self._until_s:
            return self._found
        self._trace = None
        try:
            found = self._current()
            self._trace = trace  # of before it was read: what is written meanwhile is seen the next time
            return found
        except (Error, TracksideError) as error:
            raise StorageError(f"the webhooks of the database cannot be read: {error}") from error
        finally:
            self._release()

    def disabled(self, name: str, reason: str) -> None:
        """Keep that a webhook was given up, and why. Raises StorageError."""
        try:
            self._given_up.add(name)
            actions.give_up(name, reason)
        except (Error, TracksideError) as error:
            raise StorageError(f"it cannot be kept that {name} was given up: {error}") from error
        finally:
            self._release()

    def _current(self) -> Mapping[str, DestinationSettings]:
        state, now = state_of_all(), self._now()
        if state == self._state and now.timestamp() < self._until_s:
            return self._found
        # the state was asked for first: what changes in between is seen the next time
        found, ends = self._read(now)
        self._state, self._until_s = state, min(ends, default=float("inf"))
        self._found = MappingProxyType(found)
        return self._found

    def _read(self, now: datetime) -> tuple[dict[str, DestinationSettings], list[float]]:
        declared = surroundings.current().config.destinations
        found: dict[str, DestinationSettings] = {}
        ends: list[float] = []
        for row in Webhook.objects.all():
            self._go_on(row)
            if row.name in declared:
                self._tell(row.name, "the configuration file declares a destination of the same name")
                continue
            try:
                found[row.name] = settings_of(row, now=now)
            except ConfigurationError as error:
                self._tell(row.name, str(error))
                found[row.name] = replace(WebhookSettings(url=row.url), enabled=False)
                continue
            self._told.pop(row.name, None)
            end_s = row.secrets.next_end_s(now)
            ends += [end_s] if end_s is not None else []
        return found, ends

    def _go_on(self, row: Webhook) -> None:
        """Let a webhook go on in the log that somebody enabled where the log cannot be reached: in another project."""
        if row.disabled_at is not None:
            self._given_up.add(row.name)
        elif row.name in self._given_up:
            if row.enabled:
                actions.go_on(row.name)
            self._given_up.discard(row.name)

    def _tell(self, name: str, reason: str) -> None:
        if self._told.get(name) != reason:
            self._told[name] = reason
            logger.error("webhook cannot be used", extra={"webhook": name, "reason": reason})

    def _release(self) -> None:
        if not self._keeps_connection:
            connections[router.db_for_read(Webhook)].close()


def _trace(now: datetime) -> Trace | None:
    """Return the trace of the rows' database where that is a SQLite file."""
    database = connections[router.db_for_read(Webhook)]
    name = str(database.settings_dict["NAME"])
    if database.vendor != "sqlite" or name == ":memory:" or name.startswith("file:"):
        return None
    return trace_of(Path(name), now_ns=int(now.timestamp() * 1e9))
