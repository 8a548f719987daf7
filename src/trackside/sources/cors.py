"""The headers that let pages of other origins send events and read the answers."""

import re
from collections.abc import Collection, Mapping

Headers = list[tuple[bytes, bytes]]

DEFAULT_REQUEST_HEADERS = (
    b"authorization, x-retry-count, content-type, anonymousid, sentat, rsa-recovered, rsa-retry-attempt,"
    b" rsa-since-last-attempt, rsa-since-first-attempt, rsa-retry-reason"
)
"""What analytics.js and rudder-sdk-js send."""
MAX_AGE_S = 86_400
_HEADER_NAMES = re.compile(rb"[A-Za-z0-9_\-]+(?:\s*,\s*[A-Za-z0-9_\-]+)*")
_ANY_ORIGIN = (b"access-control-allow-origin", b"*")
_EXPOSED = (b"access-control-expose-headers", b"Retry-After")
_SHARED: Headers = [_ANY_ORIGIN, _EXPOSED]


def reply_headers(headers: Mapping[bytes, bytes], credential_origins: Collection[bytes] = ()) -> Headers:
    """Return what belongs on every answer, errors included.

    Any origin may send, without cookies. One in `credential_origins` is named instead and may send them.
    """
    if not credential_origins:
        return _SHARED
    origin = headers.get(b"origin", b"")
    vary = (b"vary", b"Origin")
    if origin not in credential_origins:
        return [_ANY_ORIGIN, _EXPOSED, vary]
    allowed = (b"access-control-allow-origin", origin)
    return [allowed, (b"access-control-allow-credentials", b"true"), _EXPOSED, vary]


def preflight_headers(headers: Mapping[bytes, bytes], credential_origins: Collection[bytes] = ()) -> Headers:
    """Return the answer to OPTIONS, which needs no write key; the headers asked for are allowed."""
    asked = headers.get(b"access-control-request-headers", b"").strip()
    return [
        *reply_headers(headers, credential_origins),
        (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
        (
            b"access-control-allow-headers",
            asked if _HEADER_NAMES.fullmatch(asked) else DEFAULT_REQUEST_HEADERS,
        ),
        (b"access-control-max-age", b"%d" % MAX_AGE_S),
    ]
