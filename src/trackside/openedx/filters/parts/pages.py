"""What pages are made of beyond mappings: forms, blocks, fragments, responses, providers of a login."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Final, TypedDict

import msgspec
from django.http import QueryDict
from django.utils.cache import patch_vary_headers

from trackside.openedx.filters.headers import check_header
from trackside.openedx.filters.names import is_identity, is_secret
from trackside.openedx.filters.parts.base import Call, Part
from trackside.openedx.filters.rules import Rules
from trackside.openedx.filters.values import merged, text, told
from trackside.openedx.plain import attribute, block_told
from trackside.webfilters.points import Unfit

Object = dict[str, Any]
FORM_FIELDS: Final = (
    "username",
    "email",
    "confirm_email",
    "name",
    "first_name",
    "last_name",
    "level_of_education",
    "gender",
    "year_of_birth",
    "mailing_address",
    "city",
    "state",
    "country",
    "goals",
    "company",
    "job_title",
    "profession",
    "specialty",
    "honor_code",
    "terms_of_service",
    "marketing_emails_opt_in",
    "course_id",
    "email_opt_in",
)
"""Fields of the platform's form of registration, which receivers know beside one another, as its keys."""
_CHOICES: Final[Mapping[str, frozenset[str]]] = {
    "level_of_education": frozenset(("p", "m", "b", "a", "hs", "jhs", "el", "none", "other", "")),
    "gender": frozenset(("m", "f", "o", "")),
    "honor_code": frozenset(("true", "false")),
    "terms_of_service": frozenset(("true", "false")),
}
"""Source: UserProfile and the form of registration of the platform, April 2026."""


class Form(Part):
    """What somebody has filled in: a QueryDict, and it stays one."""

    def __init__(self, name: str) -> None:
        super().__init__(
            name,
            sends={**dict.fromkeys(FORM_FIELDS, Any), name: Object},
            changes={name: Object},
            optional={f"{name}.{each}": str for each in ("email", "username", "confirm_email")},
        )

    def told(self, call: Call) -> dict[str, Any]:
        """Return the fields, and the known ones by themselves besides; of several values the last."""
        form = call.arguments[self.name]
        fields = dict(form.items()) if isinstance(form, Mapping) else {}
        return {**{each: fields[each] for each in FORM_FIELDS if each in fields}, self.name: fields}

    def change(self, changes: Mapping[str, Any], call: Call) -> None:
        """Put values into a copy."""
        if self.name not in changes:
            return
        form = call.arguments[self.name]
        if not isinstance(form, QueryDict):
            call.results[self.name] = merged(form, changes[self.name], (self.name,), call.rules)
            return
        made = form.copy()
        for name, value in changes[self.name].items():
            where = (self.name, name)
            if is_secret(name) or (is_identity(name) and not call.rules.permits(where)):
                raise Unfit(f"{told(where)} may not be changed")
            values = [
                _field(each, where, call.rules) for each in (value if isinstance(value, list) else [value])
            ]
            if not values:
                raise Unfit(f"{told(where)} has no value")
            made.setlist(name, values)
        call.results[self.name] = made


class FieldProperties(TypedDict, total=False):
    """What may be said of a field of a form."""

    default: str | bool | int | None
    field_type: Annotated[str, msgspec.Meta(pattern=r"\A[a-z_]{1,30}\Z")]
    label: Annotated[str, msgspec.Meta(max_length=1_000)]
    instructions: Annotated[str, msgspec.Meta(max_length=2_000)]
    restrictions: dict[str, int | str]


class FormDescription(Part):
    """A form that is about to be made; properties of its fields are overridden by the object's own method."""

    def __init__(self, name: str) -> None:
        super().__init__(name, sends={name: Object}, changes={f"{name}.fields": dict[str, FieldProperties]})

    def told(self, call: Call) -> dict[str, Any]:
        """Return where it goes, and nothing yet of its fields: they are added later."""
        form = call.arguments[self.name]
        about = {each: attribute(form, each) for each in ("method", "submit_url")}
        return {self.name: {**about, "fields": {}}}

    def change(self, changes: Mapping[str, Any], call: Call) -> None:
        """Override."""
        fields = changes.get(self.name, {}).get("fields")
        if not fields:
            return
        override = getattr(call.arguments[self.name], "override_field_properties", None)
        if not callable(override):
            raise Unfit(f"{self.name} has no fields that could be overridden")
        for name, properties in fields.items():
            if not re.fullmatch(r"[a-z][a-z0-9_]{0,60}", name):
                raise Unfit(f"{self.name} has no field of such a name")
            for what, value in properties.items():
                if isinstance(value, str):
                    text(value, (self.name, name, what), call.rules)
            call.deeds.append(partial(override, name, **properties))


class Named(Part):
    """An object, or a mapping, of which a few fields are sent and none is changed: others are secrets."""

    def __init__(self, name: str, *fields: str) -> None:
        super().__init__(name, sends={name: Object | None})
        self._fields = fields

    def told(self, call: Call) -> dict[str, Any]:
        """Return those fields."""
        value = call.arguments[self.name]
        names = (*self._fields, *call.rules.sent_of(self.name))
        if value is None:
            return {self.name: None}
        if isinstance(value, Mapping):
            return {self.name: {each: value[each] for each in names if each in value}}
        return {self.name: {each: attribute(value, each) for each in names}}


class Block(Part):
    """A block of a course."""

    def __init__(self, name: str) -> None:
        super().__init__(name, sends={name: Object})

    def told(self, call: Call) -> dict[str, Any]:
        """Return its key, its type and its name."""
        return {self.name: block_told(call.arguments[self.name])}


class Fragment(Part):
    """A part of a page that has been rendered; its HTML is changed where the operator says so."""

    def __init__(self, name: str) -> None:
        super().__init__(name, sends={name: Object}, optional={f"{name}.content": str})

    def told(self, call: Call) -> dict[str, Any]:
        """Return its HTML."""
        return {self.name: {"content": attribute(call.arguments[self.name], "content")}}

    def change(self, changes: Mapping[str, Any], call: Call) -> None:
        """Put other HTML into the object; its scripts and styles stay."""
        content = changes.get(self.name, {}).get("content")
        if content is not None:
            fragment = call.arguments[self.name]
            text(content, (self.name, "content"), call.rules)
            call.deeds.append(lambda: setattr(fragment, "content", content))


class Response(Part):
    """A response that is ready; harmless headers are added. Cookies are neither sent nor set."""

    def __init__(self, name: str) -> None:
        super().__init__(name, sends={name: Object}, changes={f"{name}.headers": dict[str, str]})

    def told(self, call: Call) -> dict[str, Any]:
        """Return its status and its type."""
        response = call.arguments[self.name]
        return {
            self.name: {
                "status": attribute(response, "status_code"),
                "content_type": response.get("Content-Type") if hasattr(response, "get") else None,
                "headers": {},
            }
        }

    def change(self, changes: Mapping[str, Any], call: Call) -> None:
        """Set headers."""
        response = call.arguments[self.name]
        for name, value in changes.get(self.name, {}).get("headers", {}).items():
            check_header(name, value)
            if name.lower() == "vary":
                # what is there stays: without Cookie a cache would give one user's page to another
                call.deeds.append(partial(patch_vary_headers, response, re.split(r"\s*,\s*", value)))
            else:
                call.deeds.append(partial(response.__setitem__, name, value))


def _field(value: Any, where: Sequence[str], rules: Rules) -> str:
    if isinstance(value, bool):
        value = "true" if value else "false"
    if isinstance(value, int | float):
        value = str(value)
    made = text("" if value is None else value, tuple(where), rules)
    choices = _CHOICES.get(where[-1])
    if len(made) > 5_000 or (choices is not None and made not in choices):
        raise Unfit(f"{told(tuple(where))} cannot have that value")
    return made
