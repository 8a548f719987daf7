"""Form fields for settings, made from their declarations; what is typed is text until it is read."""

import typing
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from django import forms
from trackside.config.declarations import Setting, describe
from trackside.django.secret_rows.secrets import MASK

_WORDS: Final = {"url": "URL", "tls": "TLS", "ca": "CA", "oauth": "OAuth", "id": "ID"}
_WIDE: Final = {"class": "vLargeTextField", "rows": 3, "spellcheck": "false"}
_LINE: Final = {"class": "vTextField", "spellcheck": "false"}


class FormFields:
    """The fields of one declaration of settings."""

    def __init__(self, declaration: type[Struct], *, where: str = "context.course_id") -> None:
        """`where` is an example of a path."""
        self._declared: Mapping[str, Setting] = {each.key: each for each in describe(declaration)}
        self._where = f"One a line: {where} = course-v1:edX+*"

    def field_of(self, name: str) -> forms.Field:
        """Return the form field of a setting, with its declared sentence, unit and range."""
        setting = self._declared[name]
        shared: dict[str, Any] = {"required": False, "label": _label(name), "help_text": self._help(setting)}
        choices = _choices(setting)
        if choices:
            return forms.ChoiceField(**shared, choices=[(each, each) for each in choices])
        if setting.type == "true or false":
            return forms.BooleanField(**shared)
        if setting.type.startswith(("list", "table")):
            return forms.CharField(**shared, widget=forms.Textarea(attrs=_WIDE))
        return forms.CharField(**shared, widget=forms.TextInput(attrs=_LINE))

    def text_of(self, name: str, value: Any) -> Any:
        """Return a setting's value as its field shows it."""
        if isinstance(value, bool) or _choices(self._declared[name]):
            return value
        if name == "where":
            return "\n".join(
                f"{path} = {glob}"
                for path, globs in value.items()
                for glob in ([globs] if isinstance(globs, str) else globs)
            )
        if isinstance(value, list | tuple):
            return "\n".join(_plain(each) for each in value)
        return _plain(value)

    def value_of(self, name: str, text: Any) -> Any:
        """Return what was typed as a table of settings has it: texts, lists of texts; None where nothing was."""
        if not isinstance(text, str):
            return text
        kind = self._declared[name].type
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if name == "where":
            return _paths(lines)
        if kind.startswith("list"):
            return lines
        return text.strip() if text.strip() or kind == "text" else None

    def _help(self, setting: Setting) -> str:
        """Return what stands below a field."""
        bounds = f"{setting.range} {setting.unit}".strip() if not setting.range.startswith('"') else ""
        extra = {"where": self._where}.get(
            setting.key, "One a line." if setting.type.startswith("list") else ""
        )
        sentence = setting.sentence.replace("`", "")
        return " ".join(part for part in (sentence, f"({bounds})" if bounds else "", extra) if part)


def headers_text(headers: Mapping[str, str]) -> str:
    """Return headers as the field shows them: their names, and a mark in place of each value."""
    return "\n".join(f"{name}: {MASK}" for name in headers)


def headers_of(text: str, before: Mapping[str, str]) -> dict[str, str | None]:
    """Return what to change of the headers `before`: a line that is gone removes, a mark keeps. Raises ValueError."""
    typed: dict[str, str] = {}
    for line in filter(str.strip, text.splitlines()):
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError("headers has a line without a colon; want Name: value")
        typed[name.strip()] = value.strip()
    kept = {name for name, value in typed.items() if value == MASK and name in before}
    changes: dict[str, str | None] = {name: value for name, value in typed.items() if name not in kept}
    return changes | {name: None for name in before if name not in typed}


def _paths(lines: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in lines:
        path, _, glob = line.partition("=")
        found.setdefault(path.strip(), []).append(glob.strip())
    return found


def _choices(setting: Setting) -> tuple[str, ...]:
    kind = typing.get_args(setting.annotation)[0] if typing.get_args(setting.annotation) else None
    return typing.get_args(kind) if typing.get_origin(kind) is typing.Literal else ()


def _label(name: str) -> str:
    plain = name.replace("_per_s", "_per_second")
    words = [_WORDS.get(word, word) for word in plain.removesuffix("_s").split("_")]
    text = " ".join(words) + (" (s)" if plain.endswith("_s") else "")
    return text[:1].upper() + text[1:]


def _plain(value: object) -> str:
    return (
        f"{value:g}" if isinstance(value, float) and value == int(value) and abs(value) < 1e6 else str(value)
    )
