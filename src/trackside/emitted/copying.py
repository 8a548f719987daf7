"""The copy of an event that a backend or a processor may change as it likes."""

import copy
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

_ATOMS = frozenset({str, int, float, bool, type(None), datetime, UUID, Decimal, bytes})


def copy_event(event: Any) -> Any:
    """Return a copy of `event` that shares no dict and no list with it.

    What cannot be copied (a lock, a generator) stays the object it is. Of an event that contains itself, or is
    nested too deep, at least the event's own dict is a copy, so that nobody replaces a field for others.
    """
    try:
        return _copied(event)
    except Exception:  # noqa: BLE001  # whatever an application put into its data must not stop the event
        return _copied_otherwise(event)


def _copied_otherwise(event: Any) -> Any:
    try:
        return copy.deepcopy(event)  # slower, but it knows what contains itself
    except Exception:  # noqa: BLE001  # see copy_event
        if type(event) is not dict:
            return event
        return {
            k: dict(v) if type(v) is dict else list(v) if type(v) is list else v for k, v in event.items()
        }


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
