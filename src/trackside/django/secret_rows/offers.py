"""Names that a field of a form offers while one types; others can be typed as well."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from django import forms

Offer = Callable[[], Iterable[tuple[str, str]]]
"""Returns names, each with what people call it, or nothing."""

_OFFERS: Final[dict[str, Offer]] = {}
_SPARE: Final = 3
"""So many empty lines stand below those that are filled in."""
_LINE: Final = {"class": "vLargeTextField", "spellcheck": "false", "autocomplete": "off"}


def offer(field: str, names: Offer) -> None:
    """Offer names in the field of that name from now on, in place of those before."""
    _OFFERS[field] = names


def withdraw(field: str) -> None:
    """Offer nothing there any more."""
    _OFFERS.pop(field, None)


def offered(field: str) -> list[tuple[str, str]]:
    """Return the names that a field offers, in their order."""
    return sorted(_OFFERS[field]()) if field in _OFFERS else []


class OfferingInput(forms.TextInput):
    """A line of text that offers names; a browser finds them by any part of them, and of what they are called."""

    def __init__(self, names: Iterable[tuple[str, str]]) -> None:
        super().__init__(attrs=_LINE)
        self.names = list(names)

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        """Return the line, and the list that it refers to."""
        line = super().render(name, value, {**(attrs or {}), "list": f"{name}-offered"}, renderer)
        return format_html("{}{}", line, _listed(name, self.names))


class OfferingLines(forms.Widget):
    """Several such lines, each a value of its own, and empty ones for more."""

    def __init__(self, names: Iterable[tuple[str, str]]) -> None:
        super().__init__()
        self.names = list(names)

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        """Return the lines, and the list that they refer to."""
        del renderer
        given = [line for line in str(value or "").splitlines() if line.strip()]
        id_ = (attrs or {}).get("id", f"id_{name}")
        lines = format_html_join(
            "",
            '<div><input type="text" name="{}" id="{}" value="{}" list="{}-offered" class="{}" aria-label="{}"'
            ' spellcheck="false" autocomplete="off"></div>',
            (
                (name, f"{id_}_{at}" if at else id_, line, name, _LINE["class"], f"{name} {at + 1}")
                for at, line in enumerate([*given, *[""] * _SPARE])
            ),
        )
        return format_html("<div>{}{}</div>", lines, _listed(name, self.names))

    def value_from_datadict(self, data: Any, files: Any, name: str) -> str:
        """Return what was typed, a line each."""
        del files
        typed = data.getlist(name) if hasattr(data, "getlist") else [data.get(name) or ""]
        return "\n".join(line for line in typed if line.strip())


def _listed(name: str, names: Iterable[tuple[str, str]]) -> SafeString:
    return format_html(
        '<datalist id="{}-offered">{}</datalist>',
        name,
        format_html_join("", '<option value="{}">{}</option>', names),
    )
