"""A JSON object with everything in it decoded, and its text."""

import json
from typing import Any

_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)

Document = dict[str, Any]
"""The object with everything in it decoded."""


def encode(value: object) -> bytes:
    """Return compact JSON. Raises ValueError for a number that JSON does not have."""
    try:
        return _ENCODER.encode(value).encode()
    except UnicodeEncodeError:  # half of a surrogate pair: only an escape can say it
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
