"""Encryption of secrets at rest: Fernet (AES-128-CBC with HMAC-SHA256), its keys derived by HKDF."""

from base64 import urlsafe_b64encode
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import msgspec
from django.conf import settings
from django.db import models

from trackside.django.secret_rows.secrets import Secrets, Unreadable
from trackside.django.webhooks import surroundings
from trackside.errors import ConfigurationError

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

_PURPOSE: Final = b"trackside: secrets of webhooks, 1"
REMEDY: Final = "Install it: pip install 'trackside[server]'."


def is_available() -> bool:
    """Return whether the library that encrypts is installed."""
    return find_spec("cryptography") is not None


def seal(secrets: Secrets | Unreadable) -> str:
    """Return the text that the database keeps. Raises ConfigurationError where nothing can be encrypted."""
    if isinstance(secrets, Unreadable):
        return secrets.sealed
    return _cipher().encrypt(msgspec.json.encode(secrets)).decode()


def unseal(sealed: str) -> Secrets | Unreadable:
    """Return the secrets of a text of the database, Unreadable where no key fits or none can be made."""
    if not sealed:
        return Secrets()
    try:
        from cryptography.fernet import InvalidToken

        try:
            return msgspec.json.decode(_cipher().decrypt(sealed.encode()), type=Secrets)
        except (InvalidToken, msgspec.MsgspecError):
            return Unreadable(sealed)
    except (ImportError, ConfigurationError):
        return Unreadable(sealed)


class SecretsField(models.TextField):  # type: ignore[type-arg]  # not subscriptable when it runs
    """A column of encrypted text, whose values are `Secrets`, or `Unreadable`."""

    def from_db_value(self, value: str | None, *_: object) -> Secrets | Unreadable:
        """Return what the column holds."""
        return unseal(value or "")

    def to_python(self, value: Any) -> Secrets | Unreadable:
        """Return the secrets of what a fixture holds, which is what the column does."""
        return value if isinstance(value, Secrets | Unreadable) else unseal(str(value or ""))

    def get_prep_value(self, value: Any) -> str:
        """Return the text to keep."""
        return seal(self.to_python(value))

    def value_to_string(self, obj: models.Model) -> str:
        """Return what a fixture gets: the encrypted text."""
        return seal(self.value_from_object(obj))


def _cipher() -> "MultiFernet":
    """Return what encrypts with the first of the keys and reads with all of them."""
    own = surroundings.current().config.webhooks.encryption_keys
    return _made((*own, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=4)
def _made(texts: tuple[str | bytes, ...]) -> "MultiFernet":
    try:
        from cryptography.fernet import Fernet, MultiFernet
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    except ImportError as error:
        raise ConfigurationError(f"secrets cannot be kept without cryptography. {REMEDY}") from error

    def fernet(text: str | bytes) -> Fernet:
        material = text.encode() if isinstance(text, str) else text
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(material)
        return Fernet(urlsafe_b64encode(derived))

    return MultiFernet([fernet(text) for text in dict.fromkeys(texts) if text])
