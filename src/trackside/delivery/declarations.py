"""Destinations that are declared beside the configuration file, and may change while the engine runs."""

from collections.abc import Mapping
from typing import Protocol

from trackside.destinations.base import DestinationSettings


class Declarations(Protocol):
    """Says which destinations there are beside those of the file. Called from any thread, by one at a time."""

    def current(self) -> Mapping[str, DestinationSettings]:
        """Return all destinations declared now beside those of the file: name → settings.

        Raises StorageError where they cannot be read now: the engine goes on with what it had. It is asked about once
        a second, so it is cheap where nothing changed, and returns the same mapping object then. A name that
        is gone is gone for ever: names are never used again.
        """
        ...

    def disabled(self, name: str, reason: str) -> None:
        """Keep that the engine gave a destination up, and why, until somebody enables it again.

        Of a name that is not declared here nothing is kept. Raises StorageError where it cannot be kept.
        """
        ...
