"""X-Signature of Segment's webhooks, against vectors that Segment's own code made."""

import hashlib
import hmac
import json
from pathlib import Path

import pytest

from tests.sources.segment_webhook.requests import call, post, reasons, source
from trackside.sources.segment_webhook.signature import Signatures, signed_part
from trackside.testing.source_contract import decode

VECTORS = json.loads(
    (Path(__file__).parents[2] / "captures" / "webhook-signature-vectors.json").read_text("utf-8")
)


def signed(body: bytes, secret: bytes = b"shh") -> bytes:
    """Return the signature of what Segment signs."""
    return hmac.new(secret, body, hashlib.sha1).hexdigest().encode()


@pytest.mark.parametrize("kind", ["single", "batch"])
def test_vectors(kind: str) -> None:
    """JavaScript's numbers and half characters are compared as they were sent."""
    body, signature = VECTORS[kind]["body"].encode(), VECTORS[kind]["sig"].encode()
    assert Signatures(["other", "secret"]).fits(signature, body)
    assert Signatures(["secret"]).fits(signature.upper(), body)
    assert not Signatures(["other"]).fits(signature, body)
    assert not Signatures(["secret"]).fits(signature, body.replace(b"track", b"trick"))
    assert not Signatures(["secret"]).fits(None, body)
    assert not Signatures(["secret"]).fits(b"", body)


@pytest.mark.parametrize("body", [b"[", b"[]", b"[x]", b"[" * 10_000, b"[\xff]", b"[" + b"9" * 5_000 + b"]"])
def test_what_is_no_batch_is_signed_as_a_whole(body: bytes) -> None:
    """Nothing a stranger sends fails the check of a signature."""
    assert signed_part(body) == body


def test_a_signature_opens_without_a_key() -> None:
    """A shared secret alone is enough; with a secret of the URL too both must be right."""
    body = json.dumps(call()).encode()
    alone = source(secret="", shared_secret="shh")
    assert len(decode(alone, post(body, query=b"", x_signature=signed(body))).events) == 1
    both = source(shared_secret="shh")
    assert len(decode(both, post(body, x_signature=signed(body))).events) == 1
    assert decode(both, post(body, query=b"", x_signature=signed(body))).reply.status == 401


@pytest.mark.parametrize("signature", [None, b"", b"x", signed(b"other"), b"\xff" * 40])
def test_a_missing_or_wrong_signature_is_401(signature: bytes | None) -> None:
    """And the operator is told which of the two it was: the key or the signature."""
    request = post(call()) if signature is None else post(call(), x_signature=signature)
    decoded = decode(source(shared_secret="shh"), request)
    assert (decoded.reply.status, reasons(decoded)) == (401, ["invalid_signature"])


def test_only_the_first_of_a_signed_batch_is_believed() -> None:
    """Segment signs the first event alone: who changes the others would not be found."""
    first, second = call(messageId="a"), call(messageId="b")
    text = json.dumps([first, second], separators=(",", ":")).encode()
    signature = signed(json.dumps(first, separators=(",", ":")).encode())
    decoded = decode(source(shared_secret="shh"), post(text, x_signature=signature))
    assert [event.id for event in decoded.events] == ["a"]
    assert reasons(decoded) == ["unsigned_item"]
    decoded = decode(source(shared_secret="shh", signed_batches=True), post(text, x_signature=signature))
    assert [event.id for event in decoded.events] == ["a", "b"]


@pytest.mark.parametrize("content_type", [b"text/plain", b""])
def test_nothing_of_what_is_not_signed_is_kept(content_type: bytes) -> None:
    """Whatever it calls itself, and also where it is empty: who cannot sign leaves no body and is not answered 200."""
    for body in (b"anything", b"", json.dumps(call()).encode()):
        request = post(body, query=b"", content_type=content_type, x_signature=b"0" * 40)
        decoded = decode(source(secret="", shared_secret="shh"), request)
        assert (decoded.reply.status, reasons(decoded)) == (401, ["invalid_signature"])
        assert decoded.rejects[0].body == b""
