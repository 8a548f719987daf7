"""A form as `multipart/form-data`, which pages send with `new FormData()`.

Source: RFC 7578, as browsers write it (November 2026). Files are no fields and are left out.
"""

import re

from trackside.sources.browser.refused import Refused

MOST_FIELDS = 1_000
_LONGEST_BOUNDARY = 200
_BOUNDARY = re.compile(rb';\s*boundary=(?:"([^"]*)"|([^;\s]*))', re.IGNORECASE)
_NAME = re.compile(rb';\s*name="([^"\r\n]*)"', re.IGNORECASE)
_FILE = re.compile(rb";\s*filename\*?=", re.IGNORECASE)
_DISPOSITION = b"content-disposition:"


def multipart_fields(body: bytes, content_type: bytes) -> dict[str, str]:
    """Return the fields of a form; of a repeated one the last. Raises Refused."""
    found = _BOUNDARY.search(content_type)
    boundary = (found[1] or found[2] or b"") if found else b""
    if not boundary or len(boundary) > _LONGEST_BOUNDARY:
        raise Refused(400, "malformed", "the body cannot be read as a form: it has no usable boundary")
    delimiter = b"\r\n--" + boundary
    text = b"\r\n" + body
    if not text.startswith(delimiter) or text.count(delimiter) > MOST_FIELDS + 1:
        raise Refused(400, "malformed", "the body cannot be read as a form")
    parts = text.split(delimiter)
    if not parts[-1].startswith(b"--"):
        raise Refused(400, "malformed", "the body cannot be read as a form: its end is missing")
    fields: dict[str, str] = {}
    for part in parts[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = _field_name(head)
        if name is not None:
            fields[name] = content.decode("utf-8", "replace")
    return fields


def _field_name(head: bytes) -> str | None:
    for line in head.split(b"\r\n"):
        if line[: len(_DISPOSITION)].lower() == _DISPOSITION and not _FILE.search(line):
            found = _NAME.search(line)
            return found[1].decode("utf-8", "replace") if found else None
    return None
