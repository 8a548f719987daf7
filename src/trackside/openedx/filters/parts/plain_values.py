"""Arguments that are texts, numbers, keys, times, lists and mappings."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, TypedDict

import msgspec

from trackside.openedx.filters.parts.base import Call, Part
from trackside.openedx.filters.templates import check_template
from trackside.openedx.filters.values import alike, is_key, key_like, merged, text, told
from trackside.openedx.plain import attribute
from trackside.webfilters.points import RedirectUrl, Unfit

Word = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9][\w.-]*\Z", max_length=100)]
"""A name of something: a mode, a status, a view."""
Amount = Annotated[int, msgspec.Meta(ge=0)] | Annotated[float, msgspec.Meta(ge=0)]
Object = dict[str, Any]
_FIELD_NAME: Final = re.compile(r"[A-Za-z_][\w.]*")


class Said(Part):
    """An argument that is sent, and not changed."""

    def __init__(self, name: str, kind: Any = Any, *, also_as: str = "") -> None:
        """`also_as` is another name that receivers know it by."""
        self._names = (name, also_as) if also_as else (name,)
        super().__init__(name, sends=dict.fromkeys(self._names, kind))

    def told(self, call: Call) -> dict[str, Any]:
        """Return the argument, under each of its names."""
        return dict.fromkeys(self._names, call.arguments[self.name])


class Value(Said):
    """An argument that another of the same kind may take the place of."""

    def __init__(self, name: str, kind: Any) -> None:
        super().__init__(name, kind)
        self.changes = {name: kind}

    def change(self, changes: Mapping[str, Any], call: Call) -> None:
        """Take the new value, as the kind of the present one."""
        if self.name in changes:
            current = call.arguments[self.name]
            call.results[self.name] = alike(current, changes[self.name], (self.name,), call.rules)


class Key(Value):
    """The key of a course."""

    def __init__(self, name: str) -> None:
        super().__init__(name, str)

    def change(self, changes: Mapping[str, Any], call: Call) -> None:
        """Take the key that the text says."""
        if self.name in changes:
            current, value = call.arguments[self.name], changes[self.name]
            call.results[self.name] = (
                key_like(current, value, (self.name,))
                if is_key(current)
                else alike(current, value, (self.name,), call.rules)
            )


class Url(Value):
    """Where a browser is led: an http(s) URL or a path."""

    def __init__(self, name: str) -> None:
        super().__init__(name, str | None)
        self.changes = {name: RedirectUrl}

    def change(self, changes: Mapping[str, Any], call: Call) -> None:
        """Take the URL; where there was none, too."""
        if self.name in changes:
            call.results[self.name] = changes[self.name]


class Template(Value):
    """The name of a template of the platform's."""

    def __init__(self, name: str) -> None:
        super().__init__(name, str)

    def change(self, changes: Mapping[str, Any], call: Call) -> None:
        """Take the name, if the platform has such a template."""
        if self.name in changes:
            call.results[self.name] = check_template(changes[self.name])


class Context(Part):
    """A mapping: what pages are made of, or what an API answers. Values of it are changed, and new ones added."""

    def __init__(
        self,
        name: str,
        *,
        only: Sequence[str] | None = None,
        objects: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """`only` are the fields that are sent; None: all. Secrets are not.

        `objects` are fields that hold objects of the platform's, with what is sent of each.
        """
        super().__init__(name, sends={name: Object}, changes={name: Object})
        self._only = only
        self._objects = objects or {}

    def told(self, call: Call) -> dict[str, Any]:
        """Return the mapping, or its fields that are sent; anything else counts as an empty one."""
        value = call.arguments[self.name]
        if not isinstance(value, Mapping):
            return {self.name: {}}
        if self._only is None:
            shown = {
                name: {each: attribute(value[name], each) for each in fields}
                for name, fields in self._objects.items()
                if name in value and not isinstance(value[name], Mapping)
            }
            return {self.name: {**value, **shown} if shown else value}
        return {self.name: {name: value[name] for name in self._shown(call) if name in value}}

    def change(self, changes: Mapping[str, Any], call: Call) -> None:
        """Merge."""
        if self.name not in changes:
            return
        current = call.arguments[self.name]
        if not isinstance(current, Mapping):
            if current is not None:
                raise Unfit(f"{self.name} is no mapping")
            current = {}
        unseen = set(current) - set(self._shown(call)) if self._only is not None else set()
        if hidden := unseen & set(changes[self.name]):
            raise Unfit(f"{self.name}.{min(map(str, hidden))} may not be changed")
        call.results[self.name] = merged(current, changes[self.name], (self.name,), call.rules)

    def _shown(self, call: Call) -> Sequence[str]:
        return (*(self._only or ()), *call.rules.sent_of(self.name))


class Items(Value):
    """A list of mappings."""

    def __init__(self, name: str) -> None:
        super().__init__(name, list[Any])


class Growing(Part):
    """A set of names of fields, to which others may be added; none is taken out."""

    def __init__(self, name: str) -> None:
        super().__init__(name, sends={name: list[str]}, changes={name: list[str]})

    def told(self, call: Call) -> dict[str, Any]:
        """Return the names in their order."""
        return {self.name: sorted(map(str, call.arguments[self.name] or ()))}

    def change(self, changes: Mapping[str, Any], call: Call) -> None:
        """Add."""
        if self.name in changes:
            current, added = call.arguments[self.name], changes[self.name]
            if not all(_FIELD_NAME.fullmatch(each) and len(each) <= 100 for each in added):
                raise Unfit(f"{self.name} has to be a list of names of fields")
            kind = type(current) if isinstance(current, set | frozenset | list | tuple) else set
            call.results[self.name] = kind(
                [*(current or ()), *(each for each in added if each not in current)]
            )


class Points(TypedDict, total=False):
    """What there is of a grade."""

    percent: float
    letter_grade: str | None
    passed: bool


class Grade(Part):
    """A number, or an object of the platform's that has more; it is changed in a copy."""

    def __init__(self, name: str) -> None:
        super().__init__(name, sends={name: Any}, changes={name: float | Points | None})

    def told(self, call: Call) -> dict[str, Any]:
        """Return the number, or what there is of the object."""
        value = call.arguments[self.name]
        fields = {each: getattr(value, each) for each in Points.__annotations__ if hasattr(value, each)}
        return {self.name: fields or value}

    def change(self, changes: Mapping[str, Any], call: Call) -> None:
        """Take the number, or set fields in a copy."""
        if self.name not in changes:
            return
        import copy

        current, value = call.arguments[self.name], changes[self.name]
        if not isinstance(value, Mapping):
            call.results[self.name] = alike(current, value, (self.name,), call.rules)
            return
        made = copy.copy(current)
        for name, each in value.items():
            where = (self.name, name)
            if not hasattr(current, name):
                raise Unfit(f"{told(where)} is not there")
            setattr(made, name, alike(getattr(current, name), each, where, call.rules))
        call.results[self.name] = made


class Anything(Said):
    """An argument of a filter that nobody knows yet: plain values and mappings are changed, nothing else."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.changes = {name: Any}

    def change(self, changes: Mapping[str, Any], call: Call) -> None:
        """Merge into a mapping, or take another value of the same kind."""
        if self.name not in changes:
            return
        current, value, where = call.arguments[self.name], changes[self.name], (self.name,)
        if isinstance(current, Mapping) and isinstance(value, Mapping):
            call.results[self.name] = merged(current, value, where, call.rules)
        elif isinstance(current, str):
            call.results[self.name] = text(value, where, call.rules)
        else:
            call.results[self.name] = alike(current, value, where, call.rules)
