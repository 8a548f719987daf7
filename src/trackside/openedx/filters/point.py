"""A filter of Open edX as a filter point."""

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from trackside.django.settings.filters import FilterSettings
from trackside.openedx.filters.discovery import arguments_of
from trackside.openedx.filters.known import parts_of
from trackside.openedx.filters.parts.base import Arguments, Call
from trackside.openedx.filters.rules import rules_of
from trackside.openedx.filters.stops import stops_of
from trackside.openedx.filters.telling import Teller
from trackside.webfilters.points import FilterPoint, Unfit, withdraw

_asked_about: ContextVar[Arguments | None] = ContextVar("asked_about", default=None)
"""The arguments of the call whose question is being asked: what changes are judged by."""
_EXAMPLES: Final[Mapping[str, Any]] = {
    "course_key": "course-v1:edX+DemoX+2026",
    "course_id": "course-v1:edX+DemoX+2026",
    "mode": "audit",
    "url": "https://lms.example.org/",
    "user": {"id": 7, "username": "zoe", "first_name": "Zoë", "email": "zoe@example.org", "is_active": True},
    "profile": {"name": "Zoë Example", "country": "FR"},
}


class OpenedxPoint(FilterPoint):
    """What one filter sends and lets be changed, and the exceptions that its class has."""

    def __init__(self, filter_type: str, filter_class: Any, settings: FilterSettings) -> None:
        """Declare the point. Raises ConfigurationError where it cannot be."""
        self.rules = rules_of(filter_type, settings)
        self.parts = parts_of(filter_type, arguments_of(filter_class))
        self._teller = Teller(max_bytes=settings.data_bytes, depth=settings.depth)
        sends: dict[str, Any] = {}
        changes: dict[str, Any] = {}
        for part in self.parts:
            sends |= part.sends
            changes |= part.changes
            changes |= {
                path: kind
                for path, kind in part.optional.items()
                if _joins(path, part.changes, self.rules.opted)
            }
        super().__init__(
            filter_type,
            _sentence(filter_class),
            sends=sends,
            changes=changes,
            exceptions=stops_of(filter_class, trusted_html=settings.trusted_html),
            example={name: value for name, value in _EXAMPLES.items() if name in sends},
            ask_in_transaction=True,  # on the platform each request is one: nobody would ever be asked
        )

    def told(self, arguments: Arguments) -> dict[str, Any]:
        """Return what is sent about a call, in plain values of its own."""
        call = Call(arguments, self.rules)
        said: dict[str, Any] = {}
        for part in self.parts:
            if all(name in arguments for name in part.arguments):
                said |= part.told(call)
        told: dict[str, Any] = self._teller.plain(said)
        return told

    def changed(self, arguments: Arguments, changes: Mapping[str, Any]) -> Call:
        """Return what changes come to; nothing has been changed then. Raises Unfit."""
        call = Call(arguments, self.rules)
        for part in self.parts:
            if changes.keys() & part.sends.keys() and all(name in arguments for name in part.arguments):
                part.change(changes, call)
        return call

    def judge(self, changes: Mapping[str, Any]) -> None:
        """Raise Unfit where the arguments of the call cannot be changed so; without a call nothing is known of them."""
        arguments = _asked_about.get()
        if arguments is not None:
            try:
                self.changed(arguments, changes)
            except Unfit:
                raise
            except Exception as error:
                raise Unfit(f"the changes cannot be made: {type(error).__name__}") from error

    def may_be_named(self, path: str) -> bool:
        """Return whether an operator can let a path be changed besides."""
        first = path.partition(".")[0]
        return any(path in part.optional or first in part.changes for part in self.parts) and "." in path

    def may_be_sent(self, path: str) -> bool:
        """Return whether an operator can have a path sent besides."""
        offered = any(path in part.offered for part in self.parts)
        return offered or ("." in path and path.partition(".")[0] in self.sends)


@contextmanager
def asking_about(arguments: Arguments) -> Iterator[None]:
    """Judge changes by these arguments in the block."""
    token = _asked_about.set(arguments)
    try:
        yield
    finally:
        _asked_about.reset(token)


def declare(filter_type: str, filter_class: Any, settings: FilterSettings) -> OpenedxPoint:
    """Return the point of a filter, in place of one that was declared before."""
    withdraw(filter_type)
    return OpenedxPoint(filter_type, filter_class, settings)


def _joins(path: str, changes: Mapping[str, Any], opted: frozenset[str]) -> bool:
    """Return whether an optional path is a declaration of its own; within a mapping it is a matter of the mapping."""
    return path in opted and path.partition(".")[0] not in changes


def _sentence(filter_class: Any) -> str:
    """Return the first line of a class's docstring."""
    return (inspect.getdoc(filter_class) or "").strip().partition("\n")[0]
