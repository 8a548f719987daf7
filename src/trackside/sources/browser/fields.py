"""The event in a request to the server: in the query of a GET, in the form or the JSON of a POST."""

import codecs
import json
import re
from functools import lru_cache
from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct

from trackside.sources.base import Request
from trackside.sources.browser.multipart import MOST_FIELDS, multipart_fields
from trackside.sources.browser.reading import (
    MULTIPART,
    URLENCODED,
    BrowserEvent,
    check_name,
    check_size,
    is_json,
    json_object,
    kind_of,
    read_event,
)
from trackside.sources.browser.refused import Refused
from trackside.sources.json_text import LONGEST_NUMBER, clean, has_unreadable_number, is_deeper, repair
from trackside.sources.query import query_members

_ABSENT = Raw(b"")
_CHARSET = re.compile(r';\s*charset="?([^\s;"]*)', re.IGNORECASE)


class _Json(Struct, gc=False):
    event_type: str | None = None
    event: Raw = _ABSENT
    page: str | None = None
    courserun_key: str | None = None


_JSON = msgspec.json.Decoder(_Json)


class _ContentType(NamedTuple):
    kind: str
    is_utf8: bool


def read_request(request: Request, *, body_bytes: int, name_chars: int, depth: int) -> BrowserEvent:
    """Return what a GET or a POST says. `event` is a text, or Raw where it came in JSON. Raises Refused."""
    if request.method == "GET":
        return read_event(_form(request.query), name_chars=name_chars)
    body = request.body
    check_size(len(body), body_bytes)
    content_type = request.headers.get(b"content-type", b"")
    kind, is_utf8 = _content_type(content_type)
    if is_json(body, kind):
        return _from_json(body, name_chars, depth)
    if kind == MULTIPART:
        return read_event(multipart_fields(body, content_type), name_chars=name_chars)
    if kind == URLENCODED and not is_utf8:
        raise Refused(400, "malformed", "the body cannot be read as a form: it must be UTF-8")
    return read_event(_form(body), name_chars=name_chars)


def _from_json(body: bytes, name_chars: int, depth: int) -> BrowserEvent:
    if is_deeper(body, depth + 1):  # the body itself is a level
        raise Refused(400, "malformed", "the body is nested too deeply")
    said = _strictly(body)
    if said is None:
        found = json_object(body)
        read_event(found, name_chars=name_chars)  # says which member is no text
        # what Python takes and others do not is half a pair of surrogates
        said = _JSON.decode(repair(json.dumps(found).encode()))
    return BrowserEvent(check_name(said.event_type, name_chars), said.event, said.page, said.courserun_key)


def _strictly(body: bytes) -> _Json | None:
    """Return what a body of JSON says, or None where anything in it needs a closer look."""
    if clean(body) is None or (len(body) > LONGEST_NUMBER and has_unreadable_number(body)):
        return None
    try:
        return _JSON.decode(body)
    except msgspec.MsgspecError:
        return None


def _form(text: bytes) -> dict[str, str]:
    if text.count(b"&") >= MOST_FIELDS:
        raise Refused(400, "malformed", f"there are too many fields; want at most {MOST_FIELDS}")
    return dict(query_members(text))


@lru_cache(maxsize=64)
def _content_type(header: bytes) -> _ContentType:
    text = header.decode("latin-1")
    found = _CHARSET.search(text)
    try:
        is_utf8 = found is None or codecs.lookup(found[1]).name == "utf-8"
    except (LookupError, ValueError):
        is_utf8 = True  # a charset that nobody knows says nothing
    return _ContentType(kind_of(text), is_utf8)
