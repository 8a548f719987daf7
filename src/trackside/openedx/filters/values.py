"""Values that an answer puts in the place of others: of the same kind, and nothing that does harm.

Nothing here changes an object that was given: what is merged is merged into copies.
"""

import copy
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from trackside.openedx.filters.names import is_identity, is_secret, is_url
from trackside.openedx.filters.rules import Rules
from trackside.webfilters.points import Path, RedirectUrl, Unfit

_MARKUP: Final = re.compile(r"<\s*[a-zA-Z/!?]")
_SCRIPT_URL: Final = re.compile(
    r"[\x00-\x20]*(?:j\s*a\s*v\s*a|v\s*b)\s*s\s*c\s*r\s*i\s*p\s*t\s*:|[\x00-\x20]*data\s*:", re.IGNORECASE
)
_SCALARS: Final = (str, int, float, bool, datetime, type(None))


def merged(current: Mapping[Any, Any], changes: Mapping[str, Any], path: Path, rules: Rules) -> Any:
    """Return a copy of `current` with the changes in it, mappings within mappings merged. Raises Unfit."""
    made = dict(current) if type(current) is dict else copy.copy(current)
    for name, value in changes.items():
        where = (*path, name)
        _check_name(where, rules)
        if name not in current:
            made[name] = _new(value, where, rules)  # type: ignore[index]  # of a mapping that cannot be set: Unfit
        elif isinstance(current[name], Mapping) and isinstance(value, Mapping):
            made[name] = merged(current[name], value, where, rules)  # type: ignore[index]
        else:
            made[name] = alike(current[name], value, where, rules)  # type: ignore[index]
    return made


def alike(current: Any, value: Any, path: Path, rules: Rules) -> Any:
    """Return `value` as another value of the kind that `current` is. Raises Unfit."""
    if current is None:
        return _new(value, path, rules)
    if isinstance(current, str) or _is_promise(current):
        return _text(value, path, rules)
    if isinstance(current, list | tuple):
        return type(current)(_items(current, value, path, rules))
    for kind, convert in _KINDS:
        if isinstance(current, kind):
            return convert(current, value, path)
    if is_key(current):
        return key_like(current, value, path)
    raise Unfit(f"{told(path)} is no value that can be changed")


def text(value: Any, path: Path, rules: Rules) -> str:
    """Return a text that may stand at `path`. Raises Unfit."""
    return _text(value, path, rules)


def is_key(value: object) -> bool:
    """Return whether this is a key of a course, a block, …: their package need not be there."""
    return any(
        f"{each.__module__}.{each.__name__}" == "opaque_keys.OpaqueKey" for each in type(value).__mro__
    )


def key_like(current: Any, value: Any, path: Path) -> Any:
    """Return the key of the same kind that a text says. Raises Unfit."""
    if not isinstance(value, str) or len(value) > 255:
        raise Unfit(f"{told(path)} is no key")
    try:
        key = type(current).from_string(value)
    except Exception:  # noqa: BLE001  # whatever a class of keys raises
        raise Unfit(f"{told(path)} is no key") from None
    return key


def told(path: Path) -> str:
    """Return a path as text."""
    return ".".join(path)[:200]


def _check_name(path: Path, rules: Rules) -> None:
    if is_secret(path[-1]) or (is_identity(path[-1]) and not rules.permits(path)):
        raise Unfit(f"{told(path)} may not be changed")


def _text(value: Any, path: Path, rules: Rules) -> str:
    if not isinstance(value, str):
        raise Unfit(f"{told(path)} has to be a text")
    if not _can_be_kept(value):
        raise Unfit(f"{told(path)} holds what no text can")
    if _SCRIPT_URL.match(value):
        raise Unfit(f"{told(path)} would run a script")
    if is_url(path[-1]) and value:
        try:
            msgspec.convert(value, RedirectUrl)
        except msgspec.ValidationError:
            raise Unfit(f"{told(path)} is neither an http(s) URL nor a path") from None
    if not rules.trusted_html and _MARKUP.search(value):
        raise Unfit(f"{told(path)} holds markup, which is not allowed here")
    return value


def _can_be_kept(value: str) -> bool:
    """Return whether pages and databases take a text: half a surrogate pair or a NUL would be their errors."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in value


def _new(value: Any, path: Path, rules: Rules) -> Any:
    """Return a value that stands where none was."""
    if isinstance(value, str):
        return _text(value, path, rules)
    if isinstance(value, Mapping):
        return merged({}, value, path, rules)
    if isinstance(value, list):
        return [_new(each, path, rules) for each in value]
    if isinstance(value, _SCALARS):
        return value
    raise Unfit(f"{told(path)} has no plain value")


def _items(current: list[Any] | tuple[Any, ...], value: Any, path: Path, rules: Rules) -> Iterator[Any]:
    """Yield the new items; those that say who somebody is, or hold markup, have to be as they were in one before."""
    if not isinstance(value, list):
        raise Unfit(f"{told(path)} has to be a list")
    if not all(isinstance(each, (*_SCALARS, dict, list, tuple)) for each in current):
        raise Unfit(f"{told(path)} holds what cannot be replaced")
    before = [each for each in current if isinstance(each, Mapping)]
    for item in value:
        if not isinstance(item, Mapping):
            yield item if item in current else _new(item, path, rules)
            continue
        known = {
            name: kept
            for name, kept in item.items()
            if any(name in each and type(each[name]) is type(kept) and each[name] == kept for each in before)
        }
        yield {
            name: known[name] if name in known else merged({}, {name: each}, path, rules)[name]
            for name, each in item.items()
        }


def _boolean(current: Any, value: Any, path: Path) -> bool:  # noqa: ARG001
    if not isinstance(value, bool):
        raise Unfit(f"{told(path)} has to be true or false")
    return value


def _whole(current: Any, value: Any, path: Path) -> int:  # noqa: ARG001
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unfit(f"{told(path)} has to be a whole number")
    return value


def _number(current: Any, value: Any, path: Path) -> float:  # noqa: ARG001
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unfit(f"{told(path)} has to be a number")
    return float(value)


def _decimal(current: Any, value: Any, path: Path) -> Decimal:  # noqa: ARG001
    try:
        made = Decimal("NaN" if isinstance(value, bool | dict | list | None) else str(value))
    except InvalidOperation:
        made = Decimal("NaN")
    if not made.is_finite():
        raise Unfit(f"{told(path)} has to be a number")
    return made


def _moment(current: datetime, value: Any, path: Path) -> datetime:
    try:
        made = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        for days in (-1, 1):
            made + timedelta(days=days)  # else it would be the page's error, in another zone
        if (made.tzinfo is None) == (current.tzinfo is None):
            return made
        # as the one that is replaced: to compare the two kinds is an error
        return made.replace(tzinfo=UTC) if made.tzinfo is None else made.astimezone(UTC).replace(tzinfo=None)
    except (TypeError, ValueError, OverflowError):
        raise Unfit(f"{told(path)} has to be a time in ISO 8601") from None


def _day(current: Any, value: Any, path: Path) -> date:  # noqa: ARG001
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise Unfit(f"{told(path)} has to be a date in ISO 8601") from None


def _members(current: Any, value: Any, path: Path) -> Any:
    if not isinstance(value, list) or not all(isinstance(each, str | int | float | None) for each in value):
        raise Unfit(f"{told(path)} has to be a list of plain values")
    return type(current)(value)


_KINDS: Final[tuple[tuple[type | tuple[type, ...], Any], ...]] = (
    (bool, _boolean),
    (int, _whole),
    (float, _number),
    (Decimal, _decimal),
    (datetime, _moment),
    (date, _day),
    ((set, frozenset), _members),
)
"""Kind of value → how another one of it is made of JSON; the first that fits."""


def _is_promise(value: object) -> bool:
    """Return whether this is one of Django's texts that are translated when they are shown."""
    return any(each.__name__ == "Promise" for each in type(value).__mro__)
