"""The event that a request is by itself: its parameters, without secrets, as JSON of a bounded length."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from itertools import islice
from typing import Any
from urllib.parse import unquote_plus

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.http.request import RawPostDataException, UnreadablePostError

from trackside.django.patterns import compiled
from trackside.django.settings import current
from trackside.django.settings.declared import RequestSettings
from trackside.emitted import dumps

REDACTED = "********"
_NOTHING = json.dumps({"GET": {}, "POST": {}})
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
    query = request.META.get("QUERY_STRING")
    if request.method != "POST" and not query:
        return _NOTHING
    settings = current().requests
    most = (
        settings.payload_chars // _LEAST_CHARS + 1
    )  # one more than may fit, so that it is seen that not all do
    found = {"GET": form_fields(query, most) if query else {}, "POST": _posted(request, settings, most)}
    return bounded_json(
        {
            method: {
                name: REDACTED if is_secret(name, settings.redact) else values
                for name, values in parameters.items()
            }
            for method, parameters in found.items()
        },
        settings.payload_chars,
    )


def bounded_json(parameters: Parameters, limit_chars: int) -> str:
    """Return the parameters as JSON of at most `limit_chars` characters; at least 64 are needed."""
    if sum(map(_rough_chars, parameters.values())) <= limit_chars:
        text = dumps(parameters)
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


def form_fields(text: str, most: int) -> dict[str, list[str]]:
    """Return the first `most` fields of a form or query as Django's QueryDict has them."""
    fields: dict[str, list[str]] = {}
    for part in text.split("&", most)[:most]:
        if part:
            name, _, value = part.partition("=")
            fields.setdefault(_unquoted(name), []).append(_unquoted(value))
    return fields


def _unquoted(text: str) -> str:
    if "%" not in text and text.isascii():
        return text.replace("+", " ")
    with suppress(ValueError):  # a server hands over bytes as characters; where it does not, they stay
        text = text.encode("latin-1").decode("utf-8")
    return unquote_plus(text, errors="replace")


def _posted(request: HttpRequest, settings: RequestSettings, most: int) -> Mapping[str, list[str]]:
    """Return the fields of a form, where reading them takes nothing from the view.

    The body of an ordinary form stays readable; that of a form with files does not, nor can the view then
    choose how to take the files.
    """
    if request.method != "POST":
        return {}
    kind = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    try:
        if hasattr(request, "_post") or (settings.multipart and kind == "multipart/form-data"):
            return dict(islice(request.POST.lists(), most))
        if kind == "application/x-www-form-urlencoded":
            return form_fields(request.body.decode("latin-1"), most)
    except (RawPostDataException, SuspiciousOperation, UnreadablePostError, MultiPartParserError):
        pass  # the view, or whoever reads the body next, is told the same
    return {}


def is_secret(name: str, redact: tuple[str, ...]) -> bool:
    """Return whether the values of a parameter of this name are to be hidden."""
    for pattern in compiled(redact, re.IGNORECASE):  # noqa: SIM110  # a generator costs more than the search
        if pattern.search(name):
            return True
    return False


def _rough_chars(values: Mapping[str, Any]) -> int:
    """Return a length the JSON surely has, without making it."""
    return sum(len(name) + sum(map(len, value)) for name, value in values.items())


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= _CUT_CHARS else value[:_CUT_CHARS] + "..."
    return [_cut(each) for each in value[:10]]
