"""Querysets: never evaluated, and narrowed by a few lookups of a few fields."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet

from trackside.openedx.filters.names import is_secret
from trackside.openedx.filters.parts.base import Call, Part
from trackside.webfilters.points import Unfit

LOOKUPS: Final = ("exact", "in", "gt", "gte", "lt", "lte", "isnull", "iexact", "startswith")
MOST_LOOKUPS: Final = 20
MOST_VALUES: Final = 1_000
MOST_CHARS: Final = 1_000
Conditions = dict[str, Any]


class Rows(Part):
    """A queryset. An answer's `filter` narrows it, its `exclude` takes out; both may be said."""

    def __init__(self, name: str, *, related: Iterable[str] = ()) -> None:
        """`related` are fields of other tables that may be looked at; of its own table all but relations' rows."""
        self._related = frozenset(related)
        super().__init__(
            name,
            sends={name: dict[str, Any], "filter": Conditions, "exclude": Conditions},
            changes={"filter": Conditions, "exclude": Conditions},
        )

    def told(self, call: Call) -> dict[str, Any]:
        """Return which rows they are of; not one of them."""
        rows = call.arguments[self.name]
        model = rows.model._meta.label_lower if isinstance(rows, QuerySet) else None  # noqa: SLF001
        return {self.name: {"model": model}, "filter": {}, "exclude": {}}

    def change(self, changes: Mapping[str, Any], call: Call) -> None:
        """Narrow it."""
        rows = call.arguments[self.name]
        for method in ("filter", "exclude"):
            conditions = changes.get(method)
            if not conditions:
                continue
            if not isinstance(rows, QuerySet):
                raise Unfit(f"{self.name} is no queryset")
            self._check(rows, conditions)
            try:
                rows = getattr(rows, method)(**conditions)
                _compile(rows)
            except Exception:  # noqa: BLE001  # fields and lookups raise what they like
                raise Unfit(f"{method} cannot be applied to {self.name}") from None
            call.results[self.name] = rows

    def _check(self, rows: QuerySet[Any], conditions: Conditions) -> None:
        if len(conditions) > MOST_LOOKUPS:
            raise Unfit(f"there are more than {MOST_LOOKUPS} conditions")
        own = {
            name
            for field in rows.model._meta.concrete_fields  # noqa: SLF001  # Django's public name for it
            for name in ({field.attname} if field.is_relation else {field.name})
            if not is_secret(name)
        }
        for key, value in conditions.items():
            field, _, lookup = (
                key.rpartition("__") if key.rpartition("__")[2] in LOOKUPS else (key, "", "exact")
            )
            if field not in own | self._related:
                raise Unfit(f"{key[:100]} is no field that rows may be chosen by")
            if not _is_plain(value, several=lookup == "in"):
                raise Unfit(f"{key[:100]} has a value that cannot be compared with")


def _compile(rows: QuerySet[Any]) -> None:
    """Raise what the platform would meet once it evaluates the queryset, as far as no database has to be asked."""
    with suppress(EmptyResultSet):
        rows.query.get_compiler(using=rows.db).as_sql()


def _is_plain(value: Any, *, several: bool) -> bool:
    if several:
        return (
            isinstance(value, list)
            and len(value) <= MOST_VALUES
            and all(_is_plain(each, several=False) for each in value)
        )
    if isinstance(value, str):
        return len(value) <= MOST_CHARS and value.isprintable()
    # beyond 64 bits a database raises, or its driver does
    return isinstance(value, float | None) or (isinstance(value, int) and -(2**63) <= value < 2**63)
