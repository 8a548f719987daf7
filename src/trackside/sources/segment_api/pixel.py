"""Reads the event in the query of a pixel request."""

import binascii
from base64 import b64decode
from typing import Any

import msgspec

from trackside.sources.json_text import clean
from trackside.sources.query import query_members
from trackside.sources.refusal import TOO_DEEP, Refusal

INVALID_DATA = Refusal("invalid_pixel", "data must be the event's JSON in base64")


def pixel_event(query: bytes, *, depth: int) -> bytes | Refusal:
    """Return the JSON of the event in `query`: base64 in `data`, or a parameter a member (`context.ip=…`)."""
    members = dict(query_members(query))
    data = members.pop("data", None)
    if data is not None:
        return _decoded(data)
    event: dict[str, Any] = {}
    for name, value in members.items():
        path = name.split(".")
        if len(path) > depth:
            return TOO_DEEP
        _put(event, path, value)
    return msgspec.json.encode(event)


def _decoded(data: str) -> bytes | Refusal:
    # a space is a plus sign that a page did not escape
    text = (
        data.strip()
        .replace(" ", "+")
        .replace("+", "-")
        .replace("/", "_")
        .rstrip("=")
        .encode("ascii", "replace")
    )
    try:
        body = b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return INVALID_DATA
    return clean(body) or INVALID_DATA


def _put(event: dict[str, Any], path: list[str], value: str) -> None:
    place = event
    for step in path[:-1]:
        inner = place.get(step)
        if not isinstance(inner, dict):
            inner = place[step] = {}
        place = inner
    if not isinstance(place.get(path[-1]), dict):
        place[path[-1]] = value
