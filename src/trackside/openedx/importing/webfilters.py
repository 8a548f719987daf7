"""One webfilter of openedx-webhooks → settings of a webfilter here."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.conf import settings as django_settings
from msgspec import Struct

from trackside.django.webfilters.settings import read as read_settings
from trackside.openedx.importing.names import KnownFilter, filter_named
from trackside.openedx.importing.notes import Note, form_of_old_releases, json_of_old_releases
from trackside.openedx.importing.tables import WEBFILTERS, OldRow, OldTables, sends_forms
from trackside.webfilters import POINTS, FilterPoint, Rules

_TIME_THERE_S: Final = 10.0
_HIGHEST_ORDER: Final = 9_999
_HALTS: Final = ("4xx", "5xx", "request_exception")


class Meant(Struct, frozen=True, kw_only=True):
    """What a row means: which filter, and whether it fired there."""

    old: OldRow
    known: KnownFilter
    fired: bool
    order: int
    others: int = 0
    """How many more rows there are of the same filter."""

    @property
    def point(self) -> FilterPoint | None:
        """The point of the filter, where this process declares it."""
        return POINTS.get(self.known.type)


def meant_by(rows: list[OldRow], tables: OldTables) -> dict[int, Meant]:
    """Return what each row means, by its key; without those whose filter nobody knows."""
    found = {row.id: known for row in rows if (known := filter_named(row.event)) is not None}
    types = [known.type for known in found.values()]
    by_key = all(row.id <= _HIGHEST_ORDER for row in rows)
    return {
        row.id: Meant(
            old=row,
            known=found[row.id],
            fired=tables.fires(WEBFILTERS, row, found[row.id].name),
            order=row.id if by_key else min(place, _HIGHEST_ORDER),
            others=types.count(found[row.id].type) - 1,
        )
        for place, row in enumerate(rows, 1)
        if row.id in found
    }


def settings_of(meant: Meant) -> dict[str, Any]:
    """Return the settings of the webfilter that asks the same."""
    old = meant.old
    return {
        **old.address,
        "point": meant.known.type,
        "description": old.description,
        "enabled": old.enabled and meant.fired and meant.point is not None,
        "order": meant.order,
        "timeout_s": _TIME_THERE_S,
        "layout": "openedx",
        # a row that never fired was never sent; 22.0.0 sends the filter's own name
        "event_type": old.event if meant.fired else meant.known.name,
        "form_encoding": old.use_www_form_encoding and sends_forms() is not False,
        "disable_filtering": old.disable_filtering,
        "disable_halting": old.disable_halt,
        **_halts(meant),
    }


def notes_of(meant: Meant) -> Iterator[Note]:
    """Yield what is different of this one."""
    old, known, point = meant.old, meant.known, meant.point
    if not old.enabled:
        yield Note("disabled", "It is not enabled there, nor here.")
    if not meant.fired:
        yield Note(
            "never_fired",
            f"It never fired there: it is stored as {old.event}, and looked for as {known.name}. Here it would, so it"
            " is imported not enabled; enable it once you have looked at it.",
        )
    if point is None:
        yield Note(
            "no_point",
            f"Nothing in this process asks at {known.type}; it is imported not enabled.",
        )
    else:
        yield from _notes_of_point(meant, point)
    if meant.others:
        yield from _notes_of_order(known.type)
    if old.use_www_form_encoding:
        sends = sends_forms()
        if sends is False:
            yield json_of_old_releases()
        elif sends is None:
            yield form_of_old_releases()
    yield from _notes_of_time(known.type)


def _halts(meant: Meant) -> dict[str, Any]:
    """Return the switches of halting; without what the point cannot do, which was ignored there too."""
    given: dict[str, Any] = {}
    can_halt, can_redirect = _abilities(meant.point)
    for what in _HALTS:
        given[f"halt_on_{what}"] = getattr(meant.old, f"halt_on_{what}") and can_halt
        given[f"redirect_on_{what}"] = getattr(meant.old, f"redirect_on_{what}") if can_redirect else ""
    return given


def _abilities(point: FilterPoint | None) -> tuple[bool, bool]:
    """Return whether a failure can halt at the point, and whether it can send the user elsewhere."""
    if point is None:
        return True, True
    stop = point.default_stop
    return stop is not None, stop is not None and point.exceptions[stop].redirects


def _notes_of_point(meant: Meant, point: FilterPoint) -> Iterator[Note]:
    can_halt, can_redirect = _abilities(point)
    asked = [what for what in _HALTS if getattr(meant.old, f"halt_on_{what}")]
    if asked and not can_halt:
        yield Note(
            "cannot_halt",
            f"{', '.join(f'halt_on_{what}' for what in asked)} is left out: nothing can halt at this point, and"
            " nothing could there.",
        )
    elsewhere = [what for what in _HALTS if getattr(meant.old, f"redirect_on_{what}")]
    if elsewhere and not can_redirect:
        yield Note(
            "cannot_redirect",
            f"{', '.join(f'redirect_on_{what}' for what in elsewhere)} is left out: a halt at this point sends nobody"
            " elsewhere.",
        )
    if unsent := [name for name in meant.known.sends if name not in point.sends]:
        yield Note("not_sent", f"Receivers knew {', '.join(unsent)}, which this point does not send.")
    if not meant.old.disable_filtering:
        changed = ", ".join(sorted(".".join(path) for path in point.changes))
        yield Note("may_change", f"Its answers may change {changed or 'nothing'}.")


def _notes_of_order(filter_type: str) -> Iterator[Note]:
    if _rules(filter_type).chained:
        yield Note(
            "chained",
            "There are several for this filter. Each sees what those before it changed, and is waited for in turn;"
            f" there all saw the data as it was. To have that: TRACKSIDE['webfilters']['points'][{filter_type!r}] ="
            " {'chained': False}.",
        )


def _notes_of_time(filter_type: str) -> Iterator[Note]:
    budget_s = _rules(filter_type).budget_s
    if budget_s < _TIME_THERE_S:
        yield Note(
            "budget",
            f"All receivers of one question have {budget_s:g} s together; there each had 10 s for every part of its"
            f" answer. For more: TRACKSIDE['webfilters']['points'][{filter_type!r}] = {{'budget_s': 3}}.",
        )


def rows_are_asked() -> bool:
    """Return whether webfilters of the database are asked at all."""
    said, _ = read_settings(django_settings)
    return bool(said.settings.rows)


def _rules(filter_type: str) -> Rules:
    said, _ = read_settings(django_settings)
    rules_of: Mapping[str, Rules] = said.rules_of
    return rules_of.get(filter_type, said.settings.rules)
