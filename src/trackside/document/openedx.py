"""JSON objects and forms as openedx-webhooks makes them, for receivers that were written for it.

Source: openedx-webhooks 21.0.1 and 22.0.0, `utils.send` and `utils.flatten_dict`, run in November 2026.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from trackside.document.form import pairs

OF_EVENTS: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d(?:\.\d{1,6})?)\+00:00")
"""A time of a signal, as events have it."""
OF_QUESTIONS: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d(?:\.\d{1,6})?)(?:Z|\+00:00)")
"""A time in the data of a question, as webfilters have it."""


def as_known(value: Any, times: re.Pattern[str]) -> Any:
    """Return `value` with times as Python shows them, which is how these receivers know them: a space for the T."""
    match value:
        case str():
            found = times.fullmatch(value)
            return value if found is None else f"{found[1]} {found[2]}+00:00"
        case dict():
            return {name: as_known(member, times) for name, member in value.items()}
        case list():
            return [as_known(item, times) for item in value]
    return value


def form_pairs(payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the pairs of a form: texts as Python's `str` shows them (`True`, `None`, `[1, 2]`).

    As there, an object without members has no pair, and of values that fall together under one name the last stays.
    """
    return list(dict(pairs(_without_empty(payload), str)).items())


def _without_empty(value: Mapping[str, Any]) -> dict[str, Any]:
    cut = {
        name: _without_empty(member) if isinstance(member, Mapping) else member
        for name, member in value.items()
    }
    return {name: member for name, member in cut.items() if member != {}}
