"""Signatures as Standard Webhooks has them: its vectors, its own library, and what must not pass."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from trackside.errors import ConfigurationError
from trackside.outbound.signing import (
    SIGNATURE,
    TIMESTAMP,
    Signer,
    new_key_pair,
    new_secret,
    public_key,
    verify,
)

ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT_S = 1_614_265_330
BODY = b'{"test": 2432232314}'
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
PRIVATE = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
SIGNED_ED25519 = (
    "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
)


def test_the_vector_of_the_standard() -> None:
    assert Signer([SECRET]).headers(ID, BODY, at_s=AT_S) == (
        ("webhook-id", ID),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", SIGNED),
    )


def test_the_ed25519_vector_of_its_first_implementation() -> None:
    """Svix server 1.100, worker.rs, test_asymmetric_key_signing."""
    assert dict(Signer([PRIVATE]).headers(ID, BODY, at_s=AT_S))[SIGNATURE] == SIGNED_ED25519
    assert public_key(PRIVATE) == PUBLIC
    assert dict(Signer([PRIVATE[:48] + "="]).headers(ID, BODY, at_s=AT_S))  # the seed alone


def test_while_secrets_rotate_each_of_them_signs() -> None:
    newer = new_secret()
    headers = dict(Signer([newer, SECRET, PRIVATE]).headers(ID, BODY, at_s=AT_S))
    assert headers[SIGNATURE].split(" ")[1:] == [SIGNED, SIGNED_ED25519]
    for secret in (newer, SECRET, PUBLIC):
        assert verify(BODY, headers, secrets=[secret], now_s=AT_S)
    assert not verify(BODY, headers, secrets=[new_secret()], now_s=AT_S)


@given(
    st.binary(min_size=24, max_size=64),
    st.text(max_size=200).map(str.encode),
    st.text("abz019_-", min_size=1),
)
def test_the_standard_s_own_library_agrees(key: bytes, body: bytes, message_id: str) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    at = datetime.now(UTC).replace(microsecond=0)
    headers = dict(Signer([secret]).headers(message_id, body, at_s=int(at.timestamp())))
    assert headers[SIGNATURE] == Webhook(secret).sign(message_id, at, body.decode())
    Webhook(secret).verify(body, headers, json_parse=False)
    other = dict(headers) | {SIGNATURE: Webhook(new_secret()).sign(message_id, at, body.decode())}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, other, json_parse=False)
    assert not verify(body, other, secrets=[secret], now_s=at.timestamp())


@given(st.binary(max_size=300))
def test_any_bytes_are_signed_as_they_are(body: bytes) -> None:
    private, public = new_key_pair()
    secret = new_secret()
    headers = dict(Signer([private, secret]).headers(ID, body, at_s=AT_S))
    assert verify(body, headers, secrets=[public], now_s=AT_S)
    assert verify(body, headers, secrets=[secret], now_s=AT_S)
    assert not verify(body + b" ", headers, secrets=[public, secret], now_s=AT_S)


def _headers(**changed: str) -> dict[str, str]:
    good = dict(Signer([SECRET, PRIVATE]).headers(ID, BODY, at_s=AT_S))
    return good | {name.replace("_", "-"): value for name, value in changed.items()}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        _headers(webhook_id=""),
        _headers(webhook_id="msg_other"),
        _headers(webhook_timestamp=""),
        _headers(webhook_timestamp="soon"),
        _headers(webhook_timestamp="-1614265330"),
        _headers(webhook_timestamp="1614265331"),
        _headers(webhook_timestamp="٣"),
        _headers(webhook_timestamp="9" * 5_000),
        _headers(webhook_signature=""),
        _headers(webhook_signature="v1"),
        _headers(webhook_signature="v1,"),
        _headers(webhook_signature="v1,ü"),
        _headers(webhook_signature=SIGNED.removeprefix("v1,")),
        _headers(webhook_signature=SIGNED.replace("v1,", "v2,")),
        _headers(webhook_signature=SIGNED.replace("v1,", "v1a,")),
        _headers(webhook_signature=SIGNED[:-4]),
        _headers(webhook_signature=SIGNED + "AAAA"),
        _headers(webhook_signature=" ".join(["v1,AAAA"] * 1_000 + [SIGNED])),
    ],
)
def test_what_is_not_genuine(headers: dict[str, str]) -> None:
    assert not verify(BODY, headers, secrets=[SECRET, PUBLIC], now_s=AT_S)


def test_a_signature_is_good_for_five_minutes_and_in_any_case_of_names() -> None:
    headers = {name.title(): value for name, value in _headers().items()}
    assert verify(BODY, headers, secrets=[SECRET], now_s=AT_S + 300)
    assert verify(BODY, headers, secrets=[SECRET], now_s=AT_S - 300)
    assert not verify(BODY, headers, secrets=[SECRET], now_s=AT_S + 301)
    assert not verify(BODY, headers, secrets=[SECRET], now_s=AT_S - 301)
    assert verify(BODY, headers, secrets=[SECRET], now_s=AT_S + 301, tolerance_s=600)
    assert TIMESTAMP.title() in headers


@pytest.mark.parametrize(
    "secret",
    [
        *("", "whsec_", "secret", "whsec_c2hvcnQ=", "whsec_" + base64.b64encode(b"x" * 65).decode()),
        *(
            SECRET.removeprefix("whsec_"),
            "whsec_%%%" + SECRET[9:],
            "whsk_",
            "whsk_c2hvcnQ=",
            PUBLIC,
            "whsec_ü",
        ),
        PRIVATE[:-8] + "AAAA" + PRIVATE[-4:],
    ],
)
def test_a_secret_that_is_none_is_told_without_showing_it(secret: str) -> None:
    with pytest.raises(ConfigurationError, match="want whs") as caught:
        Signer([secret])
    assert secret.removeprefix("whsec_").removeprefix("whsk_") not in str(caught.value) or len(secret) < 7


def test_without_a_secret_nothing_is_signed() -> None:
    with pytest.raises(ConfigurationError, match="no secret to sign with"):
        Signer([])


@pytest.mark.parametrize("secret", ["whpk_c2hvcnQ=", "whpk_", "whsk_" + "A" * 44])
def test_a_key_to_verify_with_that_is_none_is_told(secret: str) -> None:
    with pytest.raises(ConfigurationError):
        verify(BODY, _headers(), secrets=[secret], now_s=AT_S)


def test_padding_may_be_left_out() -> None:
    key = base64.b64encode(b"k" * 25).decode()
    assert Signer(["whsec_" + key]).headers(ID, BODY, at_s=1) == Signer(["whsec_" + key.rstrip("=")]).headers(
        ID, BODY, at_s=1
    )
