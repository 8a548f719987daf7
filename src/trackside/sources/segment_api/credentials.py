"""Which source a request belongs to, told by its write key."""

import binascii
from base64 import b64decode, b64encode, urlsafe_b64decode
from collections.abc import Mapping

from trackside.sources.query import query_member


class WriteKeys:
    """Knows the configured write keys.

    Keys are looked up in a dict. Python hashes text with a secret of the process (SipHash) and compares only what
    has the same 64 bits, so the time a lookup takes says nothing of a configured key; comparing with each key in
    constant time would cost more with every key.
    """

    __slots__ = ("_headers", "_keys")

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._keys = {key.encode(): source for key, source in keys.items()}
        # the whole header as SDKs send it (the key alone, or with an empty password) needs no decoding
        self._headers = {
            b"Basic " + b64encode(user): source
            for key, source in keys.items()
            for user in (key.encode() + b":", key.encode())
        }

    def source_of_key(self, key: str | None) -> str | None:
        """Return the source whose write key `key` is."""
        return self._keys.get(key.encode("utf-8", "replace")) if key else None

    def source_of_header(self, authorization: bytes | None) -> str | None:
        """Return the source named by Basic authorization; None for other schemes, junk or an unknown key."""
        if not authorization:
            return None
        known = self._headers.get(authorization)
        return known if known is not None else self._decoded(authorization)

    def source_of_query(self, query: bytes) -> str | None:
        """Return the source named by `writeKey` in the query."""
        return self.source_of_key(query_member(query, "writeKey")) if b"writeKey" in query else None

    def _decoded(self, authorization: bytes) -> str | None:
        scheme, _, credentials = authorization.strip().partition(b" ")
        if scheme.lower() != b"basic":
            return None
        credentials = credentials.strip().rstrip(b"=")
        padded = credentials + b"=" * (-len(credentials) % 4)
        decode = urlsafe_b64decode if b"-" in padded or b"_" in padded else b64decode
        try:
            user = decode(padded)
        except (binascii.Error, ValueError):
            return None
        return self._keys.get(user.partition(b":")[0]) if user else None
