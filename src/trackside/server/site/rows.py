"""The webhooks that are rows of the server's own Django project, which may still be starting."""

import logging
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from trackside.destinations.base import DestinationSettings
from trackside.errors import StorageError
from trackside.server.site.boot import boot

if TYPE_CHECKING:
    from trackside.delivery.declarations import Declarations

logger = logging.getLogger("trackside.server")

_AGAIN_S: Final = 30.0
"""How long a project that could not start is left alone."""


class SiteWebhooks:
    """Keeps the contract `Declarations`, for any thread: nothing can be read until the project stands."""

    def __init__(self) -> None:
        self._rows: Declarations | None = None
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin to start the project in a thread, where this process has not done so; nobody waits for it."""
        threading.Thread(target=self._boot, name="trackside-site", daemon=True).start()

    def stop(self) -> None:
        """Start nothing any more."""
        self._stopping.set()

    def current(self) -> Mapping[str, DestinationSettings]:
        """Return the webhooks of the database. Raises StorageError, also while the project does not stand."""
        with self._lock:
            return self._standing().current()

    def disabled(self, name: str, reason: str) -> None:
        """Keep that a webhook was given up, and why. Raises StorageError."""
        with self._lock:
            self._standing().disabled(name, reason)

    def _standing(self) -> "Declarations":
        if self._rows is None:
            raise StorageError("the server's Django project, which has the webhooks, does not stand yet")
        return self._rows

    def _boot(self) -> None:
        while not self._stopping.is_set():
            try:
                boot()
                from trackside.django.webhooks.declared import WebhookDeclarations

                self._rows = WebhookDeclarations(keeps_connection=False)
            except Exception:  # the border: what the file declares is delivered all the same
                logger.exception("The webhooks of the database cannot be read; it is tried again")
                self._stopping.wait(_AGAIN_S)
            else:
                self._tell_unreadable()
                return

    def _tell_unreadable(self) -> None:
        """Say once, at the start, why nothing of the database is delivered; whoever delivers tells what comes later."""
        try:
            self.current()
        except StorageError as error:
            logger.warning("Webhooks of the database are delivered once it can be read: %s", error)
