"""The copy of an event that a backend or a processor may change as it likes."""

import copy
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

_ATOMS = frozenset({str, int, float, bool, type(None), datetime, UUID, Decimal, bytes})


def copy_event(event: Any) -> Any:
    """Return a copy of `event` that shares no dict and no list with it.

    What cannot be copied (a lock, a generator) stays the object it is.
    """
    try:
        return _copied(event)
    except Exception:  # noqa: BLE001  # whatever an application put into its data must not stop the event
        return event


def _copied(value: Any) -> Any:
    kind = type(value)
    if kind in _ATOMS:
        return value
    if kind is dict:
        return {k: v if type(v) in _ATOMS else _copied(v) for k, v in value.items()}
    if kind is list:
        return [v if type(v) in _ATOMS else _copied(v) for v in value]
    if kind is tuple:
        return tuple(map(_copied, value))
    try:
        return copy.deepcopy(value)
    except RecursionError:
        raise
    except Exception:  # noqa: BLE001  # see copy_event
        return value
