"""The hooks of the settings and those of the database, asked as one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trackside.django.webfilters.rows import Rows
from trackside.webfilters import Filtered, FilterPoint, Hook, Webfilters


class FollowingWebfilters(Webfilters):
    """Asks the given hooks and the rows, in one order; a change of a row counts within a second."""

    def __init__(self, hooks: Iterable[Hook] = (), **more: Any) -> None:
        """`more` is that of Webfilters. Nothing is opened or started before the first question."""
        self._given = tuple(hooks)
        super().__init__(self._given, **more)
        self.rows = Rows(self._use_rows, taken=frozenset(hook.name for hook in self._given))

    def ask(
        self, point: FilterPoint | str, data: Mapping[str, Any], *, ask_in_transaction: bool | None = None
    ) -> Filtered:
        """Return what came of the question, or raise the exception of the point that an answer asked for."""
        self.rows.follow()
        return super().ask(point, data, ask_in_transaction=ask_in_transaction)

    def has_hooks(self, point: FilterPoint | str) -> bool:
        """Return whether anybody may be asked at a point."""
        self.rows.follow()
        return super().has_hooks(point)

    def _use_rows(self, hooks: Sequence[Hook]) -> None:
        self.use((*self._given, *hooks))
