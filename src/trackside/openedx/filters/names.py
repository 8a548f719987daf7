"""What the names of fields say: which are secrets and never leave, which nobody outside may change, which hold URLs."""

from typing import Final

from trackside.event import NameFilter
from trackside.processors.redaction import SECRET_KEYS

_SECRETS: Final = NameFilter(
    (
        *SECRET_KEYS,
        "*csrf*",
        "*session*id",
        "*session*key",
        "*activation*key",
        "*activation*link",
        "*activation*url",
        "*confirm*link",
        "*oauth*",
        "*cookie*",
        "*signature",
        "*nonce",
        "*hash",
    )
)
_IDENTITY: Final = NameFilter(
    (
        "username",
        "*username",
        "email",
        "*email",
        "*emailaddress",
        "id",
        "pk",
        "uid",
        "*userid",
        "user",
        "isactive",
        "*staff*",
        "*superuser*",
        "*masquerad*",
        "groups",
        "permissions",
        "*permissions",
        "role",
        "roles",
        "lastlogin",
        "datejoined",
    )
)
_URLS: Final = NameFilter(
    ("url", "*url", "uri", "*uri", "href", "*href", "link", "*link", "next", "*redirect", "redirectto", "src")
)


def is_secret(name: str) -> bool:
    """Return whether a field of this name never leaves, and is never changed."""
    return _SECRETS.matches(_small(name))


def is_identity(name: str) -> bool:
    """Return whether a field of this name says who somebody is, or what they may do."""
    return _IDENTITY.matches(_small(name))


def is_url(name: str) -> bool:
    """Return whether a field of this name holds where a browser is led."""
    return _URLS.matches(_small(name))


def _small(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
