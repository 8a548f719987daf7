"""What an operator lets filters do beyond what is safe for everybody."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from trackside.django.settings.filters import FilterSettings
from trackside.event import NameFilter
from trackside.webfilters.points import Path


class Rules(Struct, frozen=True, kw_only=True):
    """What holds for one filter."""

    opted: frozenset[str] = frozenset()
    """Paths that may be changed besides, dotted."""
    sent: frozenset[str] = frozenset()
    """Paths that are sent besides, dotted."""
    trusted_html: bool = False
    any_name: bool = False
    """Whether names say nothing here: what is changed is shown, and nothing else."""

    def permits(self, path: Path) -> bool:
        """Return whether a path may be changed that says who somebody is."""
        return self.any_name or ".".join(path) in self.opted

    def sent_of(self, argument: str) -> Iterable[str]:
        """Return the names of an argument's fields that are sent besides."""
        begin = f"{argument}."
        return [path.removeprefix(begin) for path in self.sent if path.startswith(begin)]


def rules_of(filter_type: str, settings: FilterSettings) -> Rules:
    """Return what the settings say about one filter."""
    return Rules(
        opted=_named(filter_type, settings.may_change),
        sent=_named(filter_type, settings.also_send),
        trusted_html=settings.trusted_html,
    )


def _named(filter_type: str, table: Any) -> frozenset[str]:
    return frozenset(
        path for glob, paths in table.items() if NameFilter([glob]).matches(filter_type) for path in paths
    )
