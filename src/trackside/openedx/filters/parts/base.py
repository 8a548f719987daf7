"""The contract of a part of a filter: what one argument, or a few, sends and lets be changed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trackside.openedx.filters.rules import Rules

Arguments = Mapping[str, Any]
"""What a filter hands to its pipeline, by name."""


class Call:
    """One call of a filter, and what answers come to in it; nothing is changed by making one.

    `results` are arguments that take the place of others, `deeds` what is done to the platform's own objects once
    everybody has answered, and nobody stopped.
    """

    def __init__(self, arguments: Arguments, rules: Rules) -> None:
        self.arguments = arguments
        self.rules = rules
        self.results: dict[str, Any] = {}
        self.deeds: list[Callable[[], None]] = []


class Part:
    """An argument that is neither sent nor changed; what others begin with.

    `sends` and `changes` are those of a filter point: names and dotted paths, with their types. `optional` are
    paths that may be changed where the operator says so, `offered` names of `sends` that are sent where he does.
    """

    def __init__(
        self,
        *arguments: str,
        sends: Mapping[str, Any] | None = None,
        changes: Mapping[str, Any] | None = None,
        optional: Mapping[str, Any] | None = None,
        offered: Sequence[str] = (),
    ) -> None:
        self.arguments = arguments
        self.sends: Mapping[str, Any] = sends or {}
        self.changes: Mapping[str, Any] = changes or {}
        self.optional: Mapping[str, Any] = optional or {}
        self.offered = tuple(offered)

    @property
    def name(self) -> str:
        """The argument; of several the first."""
        return self.arguments[0]

    def told(self, call: Call) -> dict[str, Any]:  # noqa: ARG002
        """Return what leaves, by the names of `sends`, as objects that are made plain afterwards."""
        return {}

    def change(self, changes: Mapping[str, Any], call: Call) -> None:
        """Add to `call` what `changes` say of this part. Raises Unfit; changes no object."""
