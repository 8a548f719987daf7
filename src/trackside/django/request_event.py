"""The event that a request is by itself: its parameters, without secrets, as JSON of a bounded length."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError

from trackside.django.settings import current
from trackside.django.settings.declared import RequestSettings

REDACTED = "********"
_CUT_CHARS = 64
_LEAST_CHARS = 8
"""What a parameter takes at least: `"": [""]`."""
_LONGEST_NAME = 64

Parameters = dict[str, dict[str, Any]]
"""Method → name → its values, or ********."""


def request_payload(request: HttpRequest) -> str:
    """Return `{"GET": {name: [values]}, "POST": {…}}` as JSON, not longer than `requests.payload_chars`.

    Where all is too long, long values are cut, then parameters left out, and `"truncated": true` says so.
    """
    settings = current().requests
    found = {"GET": request.GET, "POST": _posted(request, multipart=settings.multipart)}
    return bounded_json(
        {method: dict(_shown(parameters, settings)) for method, parameters in found.items()},
        settings.payload_chars,
    )


def bounded_json(parameters: Parameters, limit_chars: int) -> str:
    """Return the parameters as JSON of at most `limit_chars` characters; at least 64 are needed."""
    if sum(map(_rough_chars, parameters.values())) <= limit_chars:
        text = json.dumps(parameters)
        if len(text) <= limit_chars:
            return text
    kept: Parameters = {method: {} for method in parameters}
    length = len(json.dumps({**kept, "truncated": True}))
    for method, values in parameters.items():
        for name, value in values.items():
            if len(name) > _LONGEST_NAME:
                continue
            shorter = _cut(value)
            added = len(json.dumps({name: shorter}))  # its braces are as long as the separator
            if length + added <= limit_chars:
                kept[method][name] = shorter
                length += added
    return json.dumps({**kept, "truncated": True})


def _posted(request: HttpRequest, *, multipart: bool) -> Mapping[str, Any]:
    """Return the fields of a form, where reading them takes nothing from the view.

    The body of an ordinary form stays readable; that of a form with files does not, nor can the view then
    choose how to take the files.
    """
    kind = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    is_read = hasattr(request, "_post")
    if request.method != "POST" or not (
        is_read
        or kind == "application/x-www-form-urlencoded"
        or (multipart and kind == "multipart/form-data")
    ):
        return {}
    try:
        return request.POST
    except (BadRequest, SuspiciousOperation, UnreadablePostError, MultiPartParserError):
        return {}  # the view, or whoever reads the body next, is told the same


def _shown(parameters: Mapping[str, Any], settings: RequestSettings) -> Iterator[tuple[str, Any]]:
    items = parameters.lists() if hasattr(parameters, "lists") else parameters.items()
    # one more than may fit, so that it is seen that not all do
    for name, values in islice(items, settings.payload_chars // _LEAST_CHARS + 1):
        yield name, REDACTED if is_secret(name, settings.redact) else values


def is_secret(name: str, redact: tuple[str, ...]) -> bool:
    """Return whether the values of a parameter of this name are to be hidden."""
    return any(pattern.search(name) for pattern in _patterns(redact))


@lru_cache(maxsize=16)
def _patterns(redact: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    try:
        return (re.compile("|".join(f"(?:{each})" for each in redact or ("(?!)",)), re.IGNORECASE),)
    except re.error:  # each is good by itself: flags in the middle, groups of the same name
        return tuple(re.compile(each, re.IGNORECASE) for each in redact)


def _rough_chars(values: Mapping[str, Any]) -> int:
    """Return a length the JSON surely has, without making it."""
    return sum(len(name) + sum(map(len, value)) for name, value in values.items())


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= _CUT_CHARS else value[:_CUT_CHARS] + "..."
    return [_cut(each) for each in value[:10]]
