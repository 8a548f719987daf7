"""Signatures by which a receiver knows who sent, and that no byte was changed.

Source: Standard Webhooks 1.0.0 (github.com/standard-webhooks/standard-webhooks, read in November 2026).
`whsec_` keys sign with HMAC-SHA256 (`v1`), `whsk_` keys with Ed25519 (`v1a`), whose receivers hold only the `whpk_` key
and cannot sign themselves. Ed25519 needs the package `cryptography`, of the extra `server`.
"""

import hashlib
import hmac
import secrets as random
from base64 import b64decode, b64encode
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from trackside.errors import ConfigurationError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
KEY_BYTES: Final = range(24, 65)
NEW_KEY_BYTES: Final = 32
TOLERANCE_S: Final = 300
MOST_SIGNATURES: Final = 32
_SECRET, _PRIVATE, _PUBLIC = "whsec_", "whsk_", "whpk_"
_SEED_BYTES: Final = 32
_BLOCK_BYTES: Final = 64
"""Of SHA-256: no key is longer."""

Sign = Callable[[bytes, bytes], str]
"""What stands before the body, and the body, to a signature."""
Check = Callable[[bytes, bytes], bool]


class Signer:
    """Signs with every one of its secrets: while one is being replaced, the old and the new one."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """`secrets` are `whsec_` or `whsk_` keys, at least one. Raises ConfigurationError, which names no secret."""
        self._signs = tuple(_signing(secret) for secret in secrets)
        if not self._signs:
            raise ConfigurationError(
                "there is no secret to sign with; want whsec_ and 24 to 64 bytes in base64"
            )

    def headers(self, message_id: str, body: bytes, *, at_s: int) -> Sequence[tuple[str, str]]:
        """Return the three headers for `body`, the very bytes that are sent.

        `message_id` is the same for each attempt; `at_s` is this attempt's time, in whole seconds since 1970 (UTC).
        """
        at = str(at_s)
        before = _before(message_id, at)
        signature = " ".join([sign(before, body) for sign in self._signs])
        return ((ID, message_id), (TIMESTAMP, at), (SIGNATURE, signature))


def verify(
    body: bytes,
    headers: Mapping[str, str],
    *,
    secrets: Iterable[str],
    now_s: float,
    tolerance_s: float = TOLERANCE_S,
) -> bool:
    """Return whether `body` was signed with one of `secrets`, not longer ago than `tolerance_s`, nor so far ahead.

    `secrets` are `whsec_` or `whpk_` keys. Of a header's name the case does not matter. Compares in constant time.
    Raises ConfigurationError for a secret that is none.
    """
    checks = [_checking(secret) for secret in secrets]
    lower = {name.lower(): value for name, value in headers.items()}
    message_id, at, given = (lower.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
    if not (message_id and at.isascii() and at.isdigit() and len(at) < 16):
        return False
    if abs(now_s - int(at)) > tolerance_s:
        return False
    content = _before(message_id, at) + body
    found = False
    for each in given.split(" ")[:MOST_SIGNATURES]:
        version, _, text = each.partition(",")
        try:
            signature = b64decode(text, validate=True)
        except ValueError:
            continue
        for known, check in checks:
            found |= version == known and check(content, signature)
    return found


def new_secret() -> str:
    """Return a new `whsec_` key."""
    return _SECRET + b64encode(random.token_bytes(NEW_KEY_BYTES)).decode()


def new_key_pair() -> tuple[str, str]:
    """Return a new `whsk_` key, to sign with, and its `whpk_` key, for receivers."""
    seed = random.token_bytes(_SEED_BYTES)
    public = _private_key(seed).public_key().public_bytes_raw()
    return _PRIVATE + b64encode(seed + public).decode(), _PUBLIC + b64encode(public).decode()


def public_key(secret: str) -> str:
    """Return the `whpk_` key that belongs to a `whsk_` one. Raises ConfigurationError."""
    return _PUBLIC + b64encode(_private_key(_seed(secret)).public_key().public_bytes_raw()).decode()


def _before(message_id: str, at: str) -> bytes:
    """Return what is signed in front of the body."""
    return f"{message_id}.{at}.".encode()


def _signing(secret: str) -> Sign:
    if secret.startswith(_PRIVATE):
        private = _private_key(_seed(secret))
        return lambda before, body: "v1a," + b64encode(private.sign(before + body)).decode()
    key = _hmac_key(secret).ljust(_BLOCK_BYTES, b"\0")
    # HMAC (RFC 2104) with the key worked in once: half of what hmac.digest takes, which does it for each message
    begin_inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key)).copy
    begin_outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key)).copy

    def sign(before: bytes, body: bytes) -> str:
        inner, outer = begin_inner(), begin_outer()
        inner.update(before)
        inner.update(body)
        outer.update(inner.digest())
        return "v1," + b2a_base64(outer.digest(), newline=False).decode()

    return sign


def _checking(secret: str) -> tuple[str, Check]:
    if secret.startswith(_PUBLIC):
        return "v1a", _checking_ed25519(secret)
    key = _hmac_key(secret)
    return "v1", lambda content, given: hmac.compare_digest(hmac.digest(key, content, "sha256"), given)


def _checking_ed25519(secret: str) -> Check:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    raw = _decoded(secret, _PUBLIC)
    if len(raw) != _SEED_BYTES:
        raise ConfigurationError("a whpk_ key is not good; want whpk_ and 32 bytes in base64")
    public = Ed25519PublicKey.from_public_bytes(raw)

    def check(content: bytes, given: bytes) -> bool:
        try:
            public.verify(given, content)
        except InvalidSignature:
            return False
        return True

    return check


def _hmac_key(secret: str) -> bytes:
    key = _decoded(secret, _SECRET)
    if len(key) not in KEY_BYTES:
        raise ConfigurationError("a secret is not good; want whsec_ and 24 to 64 bytes in base64")
    return key


def _seed(secret: str) -> bytes:
    raw = _decoded(secret, _PRIVATE)
    seed, public = raw[:_SEED_BYTES], raw[_SEED_BYTES:]
    if len(seed) != _SEED_BYTES or (public and _private_key(seed).public_key().public_bytes_raw() != public):
        raise ConfigurationError("a whsk_ key is not good; want whsk_ and a key of Ed25519 in base64")
    return seed


def _private_key(seed: bytes) -> "Ed25519PrivateKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed)


def _decoded(secret: str, prefix: str) -> bytes:
    """Return the bytes after the prefix, empty where they cannot be read; what was given appears in no message."""
    text = secret.removeprefix(prefix)
    if text == secret:
        return b""
    try:
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return b""
