"""Whether Segment's servers sent this: the key in the URL, and the signature of the body.

Source: actions-webhook of Segment's action-destinations (November 2026): X-Signature is the hex of HMAC-SHA1 over
the JSON of the event; of a batch, over that of its first event alone.
"""

import hmac
import json
from collections.abc import Sequence

from trackside.sources.query import query_member


class Keys:
    """Compares the key of a URL with those configured, all of them, in constant time."""

    __slots__ = ("_keys", "_last_good")

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = tuple(key.encode("utf-8", "replace") for key in keys)
        self._last_good = b""
        """The query that was right last: Segment sends the same one with each request."""

    def opens(self, query: bytes) -> bool:
        """Return whether the last `key` of this query string is one of ours."""
        if self._last_good and hmac.compare_digest(query, self._last_good):
            return True
        provided = (query_member(query, "key") or "").encode("utf-8", "replace")
        right = False
        for key in self._keys:
            right |= hmac.compare_digest(provided, key)
        if right:
            self._last_good = query
        return right


class Signatures:
    """Checks signatures with all secrets configured."""

    __slots__ = ("_secrets",)

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = tuple(secret.encode() for secret in secrets)

    @property
    def wanted(self) -> bool:
        """Whether requests must be signed."""
        return bool(self._secrets)

    def fits(self, signature: bytes | None, body: bytes) -> bool:
        """Return whether `signature` is that of the body: of one event, or of a batch's first."""
        provided = (signature or b"").strip().lower()
        signed = signed_part(body)
        right = False
        for secret in self._secrets:
            expected = hmac.digest(secret, signed, "sha1").hex().encode()
            right |= hmac.compare_digest(provided, expected)
        return right


def signed_part(body: bytes) -> bytes:
    """Return what Segment signs of a body: all of it, but of a batch the bytes of its first event as they are.

    To decode and encode it again would not give them: JavaScript writes numbers and half characters otherwise.
    """
    if not body.startswith(b"["):
        return body
    try:
        text = body.decode()
        _, end = json.JSONDecoder(strict=False).raw_decode(text, 1)
    except (ValueError, RecursionError):
        return body
    return text[1:end].encode()
