"""What one endpoint may know of people: the rules for signals, for events that are JSON already."""

import json
from collections.abc import Mapping
from typing import Any, Final

from trackside.destinations.webhook.bodies.signals import class_path
from trackside.document.encoding import Document
from trackside.processors.personal import Mode, Treatment, context_shown, treatment, without_values

_PEOPLE_OF: Final[Mapping[str, str]] = {"signatories": "SignatoryData"}
"""Members whose objects are of a class that says more of people than the names of its fields do."""
_TRAITS: Final = frozenset({"address", "avatar", "birthday", "description", "name", "title", "website"})
"""Reserved traits of users whose names alone could be those of things. Source: Segment, Spec: Identify, 2026."""
_IDENTIFY: Final = "identify"


class PersonalData:
    """Takes out of events what `mode` does not let be said of people: it becomes null, or is left out of contexts."""

    def __init__(self, mode: Mode) -> None:
        self._mode = mode

    def __call__(self, document: Document) -> Document:
        """Return a document without it; `document` stays as it is. Raises RecursionError where it is too deep."""
        cut = {name: self._told(value) if name == "extra" else value for name, value in document.items()}
        if isinstance(context := document.get("context"), dict):
            cut["context"] = context_shown(self._mode, context)
        if isinstance(data := document.get("data"), dict):
            cut["data"] = self._data(document, data)
        if self._mode == "none":
            cut |= {name: None for name in ("user_id", "anonymous_id") if name in document}
        return cut

    def _data(self, document: Document, data: Mapping[str, Any]) -> dict[str, Any]:
        name = str(document.get("name"))
        told = {
            argument: self._member(
                argument, value, "", of_value=class_path(name, argument).rpartition(".")[2]
            )
            for argument, value in without_values(data).items()
        }
        if document.get("type") == _IDENTIFY:
            told |= dict.fromkeys(_TRAITS & told.keys())
        return told

    def _told(self, value: Any, kind: str = "") -> Any:
        """Return a value without what must not be said; `kind` is the class of the objects in it, where it is known."""
        if isinstance(value, list):
            return [self._told(each, kind) for each in value]
        if isinstance(value, str):
            return self._in_text(value)
        if not isinstance(value, dict):
            return value
        if "pii" in value:
            kind = "UserData"
        return {name: self._member(name, member, kind) for name, member in without_values(value).items()}

    def _member(self, name: str, value: Any, kind: str, *, of_value: str = "") -> Any:
        match treatment(self._mode, name, kind):
            case Treatment.HIDE:
                return None
            case Treatment.KEEP:
                return self._told(value, of_value or _PEOPLE_OF.get(name, ""))
            case how:
                return self._reread(value, how)

    def _in_text(self, text: str) -> str:
        """Return a text as it is, JSON without what must not be said: the parameters of a request are kept so."""
        if not text.startswith(("{", "[")):
            return text
        try:
            value = json.loads(text)
        except ValueError:
            return text
        told = self._told(value)
        return text if told == value else json.dumps(told)

    def _reread(self, text: Any, how: Treatment) -> str | None:
        try:
            value = json.loads(text)
        except (TypeError, ValueError):
            return None
        if not isinstance(value, dict):
            return None  # a text might be JSON again
        shown = context_shown(self._mode, value) if how is Treatment.CONTEXT else value
        return json.dumps(self._told(shown))
