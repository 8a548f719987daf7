"""Whether a question may be asked while its caller holds a database transaction open.

Whoever waits inside one holds its locks, and its connection, for as long as a receiver takes.
"""

from collections.abc import Mapping
from typing import Final

from trackside.webfilters.hook import Rules
from trackside.webfilters.points import FilterPoint

NOT_ASKED: Final = "a database transaction is open, and nobody said that it may be asked in one"
"""Why a hook failed without being asked, as the audit has it."""


def may_ask(
    point: FilterPoint, rules: Rules, rules_of: Mapping[str, Rules], *, said: bool | None = None
) -> bool:
    """Return whether somebody said so: the settings of the point, the caller, the point itself, those of all points.

    The first of these that says anything counts. `said` is the caller's word, `rules` are those of all points.
    """
    of_point = rules_of.get(point.name)
    words = (
        None if of_point is None else of_point.ask_in_transaction,
        said,
        point.ask_in_transaction,
        rules.ask_in_transaction,
    )
    return next((word for word in words if word is not None), False)
