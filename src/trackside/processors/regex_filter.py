"""Lets events through, or holds them back, by regular expressions over their names."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from trackside.errors import ConfigurationError
from trackside.processors.exceptions import EventEmissionExit

ALLOWLIST = "allowlist"
BLOCKLIST = "blocklist"


class RegexFilter:
    """Ends events whose name matches none of the expressions (allowlist) or any of them (blocklist).

    An expression has to match from the beginning of the name, not to its end; `.` is any character.
    An allow-list without expressions lets nothing through, a block-list without any lets everything.
    """

    mutates = False
    fails_closed = True

    def __init__(
        self, filter_type: str = ALLOWLIST, regular_expressions: Sequence[str] | None = None
    ) -> None:
        """`filter_type` is "allowlist" or "blocklist". Raises ConfigurationError for others and for bad expressions."""
        if filter_type not in {ALLOWLIST, BLOCKLIST}:
            raise ConfigurationError(f"filter_type is {filter_type!r}; want 'allowlist' or 'blocklist'")
        if isinstance(regular_expressions, str):  # its letters, one by one, would match nearly everything
            raise ConfigurationError(f"regular_expressions is the text {regular_expressions!r}; want a list")
        self.filter_type = filter_type
        self.expressions = tuple(_compiled(regular_expressions or ()))

    def __call__(self, event: Any) -> Any:
        """Return `event` where it may go on; EventEmissionExit otherwise."""
        name = event["name"]
        matched = any(expression.match(name) for expression in self.expressions)
        if matched is not (self.filter_type == ALLOWLIST):
            raise EventEmissionExit
        return event


def _compiled(expressions: Iterable[str]) -> Iterable[re.Pattern[str]]:
    for expression in expressions:
        try:
            yield re.compile(expression)
        except (re.error, TypeError) as error:
            raise ConfigurationError(f"{expression!r} is no regular expression: {error}") from error
