"""What is in effect: read on first use, read again after a test changed a setting."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath
from typing import Any

import msgspec
from django.core.exceptions import ImproperlyConfigured
from msgspec import Struct

from trackside.config.declarations import Setting, describe, tables
from trackside.config.settings import Config
from trackside.django.settings.declared import LEGACY_NAMES, DjangoSettings

NAME = "TRACKSIDE"
_PATTERNS = ("requests.ignore_url_patterns", "requests.redact")
_TREES: Mapping[str, tuple[type, ...]] = {"backends": (dict,), "processors": (list, tuple)}
_TABLES_OF_OTHERS = ("outbox", "webfilters")
"""Tables whose own modules read and check them."""

_current: DjangoSettings | None = None


def current() -> DjangoSettings:
    """Return the settings in effect. Raises ImproperlyConfigured, one line for each problem."""
    global _current  # noqa: PLW0603  # a request asks for it; it is read once
    if _current is None:
        from django.conf import settings

        read_settings, problems = read(settings)
        if problems:
            raise ImproperlyConfigured("\n".join(problems))
        _current = read_settings
    return _current


def reset(*, setting: str = NAME, **_: object) -> None:
    """Forget what was read, where a setting of ours was changed; a receiver of Django's `setting_changed`."""
    global _current  # noqa: PLW0603
    if setting == NAME or setting in LEGACY_NAMES:
        _current = None


def read(source: object) -> tuple[DjangoSettings, list[str]]:
    """Return what `source`, Django's settings, says, and everything that is wrong with it.

    What is wrong counts as not said.
    """
    table = getattr(source, NAME, {})
    if not isinstance(table, Mapping):
        return DjangoSettings(), [f"{NAME} is {_shown(table)}; want a dict"]
    problems = list(_unknown(table))
    server = {key: table[key] for key in _server_keys() if key in table}
    if isinstance(server.get("data_dir"), PurePath):
        server["data_dir"] = str(server["data_dir"])  # BASE_DIR / "data", as Django's settings have it
    values: dict[str, Any] = {"server": server}
    for name, declaration in tables(DjangoSettings).items():
        values[name] = _section(name, declaration, table.get(name, {}), source, problems)
    for name, kinds in _TREES.items():
        where, value = _given(name, table, source)
        if where and isinstance(value, kinds):
            values[name] = kinds[0](value)
        elif where:
            problems.append(f"{where} is {_shown(value)}; want a {kinds[0].__name__}")
    return DjangoSettings(**values), problems


def known_keys() -> list[str]:
    """Return all keys `settings.TRACKSIDE` may have."""
    return [*tables(DjangoSettings), *_TREES, *_TABLES_OF_OTHERS, *_server_keys()]


def closest(name: str, names: Iterable[str]) -> str:
    """Return `; did you mean …?`, or "" where nothing is like `name`."""
    found = difflib.get_close_matches(name, list(names), n=1, cutoff=0.7)
    return f"; did you mean {found[0]}?" if found else ""


def _server_keys() -> list[str]:
    return list(Config.__struct_fields__)


def _unknown(table: Mapping[str, Any]) -> Iterator[str]:
    for name in table:
        if name not in known_keys():
            yield f"{NAME}[{name!r}] is not a setting{closest(str(name), known_keys())}"


def _given(key: str, table: Mapping[str, Any], source: object) -> tuple[str, Any]:
    """Return where the value of a key stands and the value; ("", None) where nobody gives it."""
    section, _, name = key.rpartition(".")
    inside = table.get(section, {}) if section else table
    if isinstance(inside, Mapping) and name in inside:
        return f"{NAME}[{section!r}][{name!r}]" if section else f"{NAME}[{name!r}]", inside[name]
    for legacy, about in LEGACY_NAMES.items():
        if about.key == key and hasattr(source, legacy):
            return legacy, getattr(source, legacy)
    return "", None


def _section(
    name: str, declaration: type[Struct], given: object, source: object, problems: list[str]
) -> Struct:
    if not isinstance(given, Mapping):
        problems.append(f"{NAME}[{name!r}] is {_shown(given)}; want a dict")
        given = {}
    known = {each.key.partition(".")[2]: each for each in describe(declaration, f"{name}.")}
    problems += [
        f"{NAME}[{name!r}][{key!r}] is not a setting{closest(str(key), known)}"
        for key in given
        if key not in known
    ]
    values: dict[str, Any] = {}
    for key, each in known.items():
        where, value = _given(each.key, {name: given}, source)
        if where:
            try:
                values[key] = _converted(each, value)
            except ValueError as error:
                what = "has a value that cannot be used" if each.secret else f"is {_shown(value)}"
                problems.append(f"{where} {what}; want {error}")
    return declaration(**values)


def _converted(each: Setting, value: object) -> object:
    """Return the value as its declaration wants it. Raises ValueError with what is wanted."""
    if isinstance(value, (set, frozenset)):
        value = sorted(value)
    try:
        converted = msgspec.convert(value, each.annotation)
    except msgspec.MsgspecError:
        raise ValueError(each.want) from None
    if not each.check_form(converted):
        raise ValueError(each.want)
    if each.key in _PATTERNS:
        for pattern in converted:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"regular expressions, but {pattern!r} is none: {error}") from None
    return converted


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
