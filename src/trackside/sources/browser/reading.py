"""What a browser says: which body means what, which fields there are, what is in them.

Shared by the server's own `/event` and by the view of a Django site; both answer alike.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from trackside.sources.browser.refused import Refused

METHODS = ("GET", "POST")
URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_FORMS = (URLENCODED, MULTIPART)


class BrowserEvent(NamedTuple):
    """What a browser said."""

    name: str | None
    event: Any
    """The event's data as it came: a text, which may be JSON, or what stands in a body of JSON."""
    page: str | None
    course_id: str | None


def read_event(fields: Mapping[str, Any], *, name_chars: int) -> BrowserEvent:
    """Return what the fields of a request say. Raises Refused."""
    name = check_name(_text(fields, "event_type"), name_chars)
    page, course_id = _text(fields, "page"), _text(fields, "courserun_key")
    return BrowserEvent(name, fields.get("event"), page, course_id)


def check_name(name: str | None, name_chars: int) -> str | None:
    """Return the name of an event. Raises Refused where it is too long."""
    if name and len(name) > name_chars:
        raise Refused(400, "malformed", f"event_type has {len(name)} characters; want at most {name_chars}")
    return name


def check_size(size_bytes: int, most_bytes: int) -> None:
    """Raise Refused where a body is too large."""
    if size_bytes > most_bytes:
        raise Refused(413, "too_large", f"the body has {size_bytes} bytes; want at most {most_bytes}")


def kind_of(content_type: str) -> str:
    """Return the media type alone, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def is_json(body: bytes, kind: str) -> bool:
    """Return whether a body of this media type has to be JSON; it is a form otherwise.

    `navigator.sendBeacon` sends texts as text/plain, whatever is in them.
    """
    return kind not in _FORMS and body.lstrip()[:1] in {b"{", b"["}


def json_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that a body is. Raises Refused."""
    try:
        found = _loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "malformed", "the body is not valid JSON") from error
    if not isinstance(found, dict):
        raise Refused(400, "malformed", "the body must be a JSON object")
    return found


def value_of(event: Any) -> Any:
    """Return an event's data: of a text that is JSON what it says; every other text stays as it is."""
    if not isinstance(event, str) or not event:
        return event
    try:
        return _loads(event)
    except (ValueError, RecursionError):
        return event


def username_without_id(data: Mapping[str, Any]) -> str | None:
    """Return the username in an event's data that has to be given the id of its user, or None."""
    username = data.get("username")
    if "user_id" in data or not isinstance(username, str) or "\x00" in username:
        return None
    return username or None


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if isinstance(value, str | None):
        return value
    raise Refused(400, "malformed", f"{name} must be a text")


def _loads(text: str | bytes) -> Any:
    return json.loads(text, parse_constant=_no_number)


def _no_number(literal: str) -> None:
    raise ValueError(f"{literal} is not JSON")
