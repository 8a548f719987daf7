"""What a declaration of settings says, for people and for checks."""

import ipaddress
import re
import typing
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import NODEFAULT, Struct, inspect

UNITS = {"s": "seconds", "ms": "milliseconds"}
"""Units as a sentence has them, where they differ from a name's."""

_SECRET_NAME = re.compile(r"(?:^|_)(?:secrets?|passwords?|tokens?|keys?)$")
_FORMS = {
    "network": "an address or network such as 10.0.0.0/8",
    "url": "an http or https URL such as https://events.example.org",
}


class Setting(Struct, frozen=True, kw_only=True):
    """One setting as its declaration has it."""

    key: str
    """Dotted, from where the description began."""
    annotation: Any
    """The type a value is converted to, with its bounds."""
    type: str
    """For people: `whole number`, `number`, `text`, `true or false`, `list of text`, …"""
    range: str
    """For people: `1 to 256`, `0 or more`, `"sqlite" or "memory"`; empty where all of the type will do."""
    unit: str
    default: Any
    """NODEFAULT where it has to be set."""
    sentence: str
    secret: bool
    form: str

    @property
    def want(self) -> str:
        """What an error message asks for: `0.1 to 60 seconds`."""
        if self.form:
            each = _FORMS[self.form]
            return f"a list, each {each}" if self.type.startswith("list") else each
        unit = UNITS.get(self.unit, self.unit)
        if not self.range:
            return _article(self.type) + (f" of {unit}" if unit else "")
        plain = self.type == "number" or self.range.startswith('"')
        return ("" if plain else f"{_article(self.type)}, ") + self.range + (f" {unit}" if unit else "")

    @property
    def default_text(self) -> str:
        """The default as the file would have it; `required` where there is none."""
        return "required" if self.default is NODEFAULT else toml_text(self.default)

    def check_form(self, value: object) -> bool:
        """Return whether a value of the right type also looks as it must."""
        if not self.form or value == self.default:
            return True
        return all(
            _looks_like(self.form, each) for each in ([value] if isinstance(value, str) else _items(value))
        )


def describe(declaration: type[Struct], prefix: str = "") -> tuple[Setting, ...]:
    """Return every setting `declaration` declares, in order; those of a table within it have dotted keys.

    A field of free tables without a sentence (`sources`, `destinations`) is left to those who know its kinds.
    """
    found: list[Setting] = []
    hints = typing.get_type_hints(declaration, include_extras=True)
    info = inspect.type_info(declaration)
    if not isinstance(info, inspect.StructType):
        raise TypeError(f"{declaration!r} declares no settings")
    for each in info.fields:
        key = prefix + each.encode_name
        kind, meta = _unwrap(each.type)
        if isinstance(kind, inspect.StructType):
            found += describe(kind.cls, f"{key}.")
        elif "description" in meta:
            found.append(_setting(key, hints[each.name], kind, meta, _default(each)))
    return tuple(found)


def tables(declaration: type[Struct]) -> dict[str, type[Struct]]:
    """Return the fields of `declaration` that are tables of their own, and what declares each."""
    info = inspect.type_info(declaration)
    fields = info.fields if isinstance(info, inspect.StructType) else ()
    kinds = {each.name: _unwrap(each.type)[0] for each in fields}
    return {name: kind.cls for name, kind in kinds.items() if isinstance(kind, inspect.StructType)}


def toml_text(value: object) -> str:
    """Return `value` as a TOML file would have it."""
    match value:
        case Mapping():
            return "{" + ", ".join(f"{toml_text(k)} = {toml_text(v)}" for k, v in value.items()) + "}"
        case list() | tuple() | set() | frozenset():
            return "[" + ", ".join(map(toml_text, value)) + "]"
        case None:
            return "not set"
        case bool() | int() | float() | str():
            return msgspec.json.encode(value).decode()
        case _:
            return str(value)


def _setting(
    key: str, annotation: object, kind: inspect.Type, meta: Mapping[str, Any], default: object
) -> Setting:
    return Setting(
        key=key,
        annotation=annotation,
        type=_type_name(kind),
        range=_range(kind),
        unit=str(meta.get("unit", "")),
        default=default,
        sentence=str(meta["description"]),
        # a secret somebody forgot to declare stays a secret
        secret=bool(meta.get("secret", _SECRET_NAME.search(key.rpartition(".")[2]))),
        form=str(meta.get("form", "")),
    )


def _unwrap(kind: inspect.Type) -> tuple[inspect.Type, dict[str, Any]]:
    meta: dict[str, Any] = {}
    while isinstance(kind, inspect.Metadata):
        meta = {**(kind.extra_json_schema or {}), **meta}
        kind = kind.type
    return kind, meta


def _default(each: inspect.Field) -> object:
    return each.default_factory() if each.default_factory is not NODEFAULT else each.default


def _type_name(kind: inspect.Type) -> str:
    kind = _unwrap(kind)[0]
    match kind:
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            return "whole number"
        case inspect.FloatType():
            return "number"
        case inspect.StrType() | inspect.LiteralType():
            return "text"
        case inspect.ListType() | inspect.VarTupleType() | inspect.SetType() | inspect.FrozenSetType():
            return f"list of {_plural(_type_name(kind.item_type))}"
        case inspect.DictType():
            return f"table of {_plural(_type_name(kind.value_type))}"
        case inspect.UnionType():
            names = [_type_name(each) for each in kind.types if not isinstance(each, inspect.NoneType)]
            return " or ".join(dict.fromkeys(names))
        case inspect.StructType():
            return "table"
        case _:
            return "value"


def _range(kind: inspect.Type) -> str:
    match kind:
        case inspect.LiteralType():
            return " or ".join(toml_text(value) for value in kind.values)
        case inspect.IntType() | inspect.FloatType():
            return _between(kind.ge, kind.le)
        case inspect.StrType():
            length = _between(kind.min_length, kind.max_length)
            return " ".join(
                filter(None, (length and f"{length} characters", kind.pattern and f"like {kind.pattern}"))
            )
        case inspect.ListType() | inspect.VarTupleType():
            length = _between(kind.min_length, kind.max_length)
            return length and f"{length} entries"
        case inspect.UnionType():
            return next(filter(None, (_range(_unwrap(each)[0]) for each in kind.types)), "")
        case _:
            return ""


def _between(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{low} to {high}"
    return f"{low} or more" if low is not None else f"at most {high}" if high is not None else ""


def _plural(name: str) -> str:
    return name + "s" if name.endswith("number") else name


def _article(name: str) -> str:
    return name if name.startswith(("text", "true")) else f"a {name}"


def _items(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, (list, tuple, set, frozenset)) else [str(value)]


def _looks_like(form: str, text: str) -> bool:
    try:
        if form == "network":
            ipaddress.ip_network(text, strict=False)
            return True
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
