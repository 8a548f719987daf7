"""The exceptions of a filter, as an answer may ask for them: their fields are read from the classes."""

import inspect
import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from django.utils.html import strip_tags

from trackside.openedx.filters.discovery import exceptions_of
from trackside.openedx.filters.responses import FIELDS, response_from, text_response
from trackside.openedx.filters.rules import Rules
from trackside.openedx.filters.templates import TemplateName, check_template
from trackside.openedx.filters.values import alike
from trackside.webfilters.points import DEFAULT_MESSAGE, RedirectUrl, Stops

Text = Annotated[str, msgspec.Meta(max_length=2_000)]
_KINDS: Final[Mapping[str, Any]] = {
    "redirect_to": RedirectUrl,
    "status_code": Annotated[int, msgspec.Meta(ge=400, le=599)],
    "error_code": Annotated[str, msgspec.Meta(pattern=r"\A[\w.-]{1,100}\Z")],
    "response": FIELDS["response"],
}
_PLAIN: Final[Mapping[Any, Any]] = {
    str: Text,
    int: int,
    bool: bool,
    float: float,
    dict: dict[str, Any],
    list: list[Any],
}
_EMPTY: Final[Mapping[str, Any]] = {"redirect_to": "/", "error_code": "refused", "tabs": []}
"""What an exception gets where its class wants more than a failure has to say."""
_ORA_ERROR: Final = "legacy/oa_error.html"
"""What ORA itself shows of an error. Source: openedx/edx-ora2 6.7, April 2024."""
_REGISTRATION_STATUS: Final = 403
"""Without one the platform answers 200, and the page takes it that all went well."""


def stops_of(filter_class: Any, *, trusted_html: bool) -> dict[str, Stops]:
    """Return the exceptions of a filter in their order; the first is raised where a hook fails and that halts."""
    found = exceptions_of(filter_class)
    page = next((each for each in found.values() if "response" in _parameters(each)), None)
    stops = {}
    for name, kind in found.items():
        parameters = _parameters(kind)
        fields = {each: _kind(each, hint) for each, hint in parameters.items()}
        if "response" in fields:
            fields |= FIELDS
        required = [
            each
            for each in parameters
            if (each == "redirect_to" and name.startswith("Redirect")) or _is_template(each)
        ]
        raises = _Raises(kind, parameters, page=page, trusted_html=trusted_html)
        stops[name] = Stops(raises, fields=fields, required=required)
    return stops


class _Raises:
    """Makes an exception of one class of what was said, with what its class wants besides."""

    def __init__(
        self,
        kind: type[Exception],
        parameters: Mapping[str, Any],
        *,
        page: type[Exception] | None,
        trusted_html: bool,
    ) -> None:
        self._kind = kind
        self._parameters = parameters
        self._page = page
        self._trusted_html = trusted_html
        self._shown = Rules(trusted_html=trusted_html, any_name=True)

    def __call__(self, message: str, **said: Any) -> Exception:
        """Return the exception. Raises Unfit."""
        lacks = [
            name
            for name in self._parameters
            if not said.get(name) and (name == "redirect_to" or _is_template(name)) and self._is_of_page(name)
        ]
        if lacks and self._page is not None:
            # a failure that halts, and nobody has said where to: a page that says so, not one that leads nowhere
            return self._page(message, response=text_response(message).made(trusted_html=False))  # type: ignore[call-arg]  # it has one
        if not self._trusted_html:
            # not refused: who stops somebody must be heard
            message = strip_tags(message).strip() or DEFAULT_MESSAGE
        for name, value in said.items():
            if _is_template(name):
                check_template(value)
            elif isinstance(value, dict | list) and name != "headers":
                alike(None, value, (name,), self._shown)
            elif isinstance(value, str) and not (self._trusted_html or self._is_exact(name)):
                said[name] = strip_tags(value)
        if "response" in self._parameters:
            said["response"] = response_from(message, said, trusted_html=self._trusted_html)
        if self._kind.__name__ == "PreventRegistration":
            said.setdefault("status_code", _REGISTRATION_STATUS)
        if self._kind.__name__ == "RenderInvalidTemplate" and not said.get("template_name"):
            said |= {"template_name": _ORA_ERROR, "context": {"error_msg": message}}
        takes_message = _takes_message(self._kind)
        for name in self._missing(said):
            said[name] = message if name.endswith("_message") or not takes_message else _EMPTY.get(name)
        return self._kind(**{"message": message} if takes_message else {}, **said)

    def _is_of_page(self, name: str) -> bool:
        return _is_template(name) or self._kind.__name__.startswith("Redirect")

    def _is_exact(self, name: str) -> bool:
        """Return whether a field's type leaves no room for markup, or it is the content of a response."""
        return name in _KINDS or ("response" in self._parameters and name in FIELDS)

    def _missing(self, said: Mapping[str, Any]) -> list[str]:
        signature = inspect.signature(self._kind)
        return [
            each.name
            for each in signature.parameters.values()
            if each.name in self._parameters
            and each.name not in said
            and (each.default is inspect.Parameter.empty or each.name == "tabs")
        ]


def _parameters(kind: type[Exception]) -> dict[str, Any]:
    """Return the parameters of an exception that an answer may give, and what they are said to be."""
    try:
        signature = inspect.signature(kind)
    except (TypeError, ValueError):
        return {}
    try:
        hints = typing.get_type_hints(kind.__init__)
    except Exception:  # noqa: BLE001  # names that are imported for type checkers alone
        hints = {}
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {
        each.name: hints.get(each.name, each.annotation)
        for each in signature.parameters.values()
        if each.kind in named and each.name != "message"
    }


def _takes_message(kind: type[Exception]) -> bool:
    parameters = inspect.signature(kind).parameters.values()
    return any(each.name == "message" or each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters)


def _kind(name: str, hint: Any) -> Any:
    if _is_template(name):
        return TemplateName
    if name in _KINDS:
        return _KINDS[name]
    kinds = typing.get_args(hint) if _is_union(hint) else (hint,)
    for each in kinds:
        found = _PLAIN.get(typing.get_origin(each) or each)
        if found is not None:
            return found
    return Text


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in {typing.Union, types.UnionType}


def _is_template(name: str) -> bool:
    return name == "template_name" or name.endswith("_template")
