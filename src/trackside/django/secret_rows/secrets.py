"""What of a webhook nobody is shown."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

SETTINGS: Final = ("secret", "headers", "bearer_token", "basic_password", "oauth_client_secret")
"""The settings of a webhook whose values are kept encrypted."""
MASK: Final = "********"
"""What stands for a value that is set."""


class SigningKey(Struct, frozen=True):
    """A key that signs; one that is being replaced has a time at which it stops."""

    key: str
    until_s: float | None = None
    """Seconds since 1970; None: for good."""


class Secrets(Struct, frozen=True, kw_only=True):
    """The secrets of one webhook; its text shows none of them, wherever it ends up."""

    signing: tuple[SigningKey, ...] = ()
    """The newest first."""
    headers: dict[str, str] = field(default_factory=dict)
    bearer_token: str = ""
    basic_password: str = ""
    oauth_client_secret: str = ""

    def __repr__(self) -> str:
        """Return a text without any of them."""
        return "Secrets(…)"

    __str__ = __repr__

    def live_keys(self, now: datetime) -> tuple[str, ...]:
        """Return the keys that sign at this moment."""
        return tuple(
            each.key for each in self.signing if each.until_s is None or each.until_s > now.timestamp()
        )

    def next_end_s(self, now: datetime) -> float | None:
        """Return when the next of the keys stops, in seconds since 1970; None where none does."""
        ends = [each.until_s for each in self.signing if each.until_s and each.until_s > now.timestamp()]
        return min(ends, default=None)

    def settings(self, now: datetime) -> dict[str, object]:
        """Return them as the settings of a webhook have them."""
        return {
            "secret": self.live_keys(now),
            "headers": dict(self.headers),
            "bearer_token": self.bearer_token,
            "basic_password": self.basic_password,
            "oauth_client_secret": self.oauth_client_secret,
        }

    def shown(self, now: datetime) -> dict[str, object]:
        """Return what people may see: that something is set, and the last four characters of what signs."""
        return {
            "secret": [f"…{key[-4:]}" for key in self.live_keys(now)],
            "headers": dict.fromkeys(self.headers, MASK),
            **{name: MASK if getattr(self, name) else "" for name in SETTINGS[2:]},
        }

    def rotated(self, key: str, *, now: datetime, overlap_s: float) -> "Secrets":
        """Return them with a new key; those before sign beside it for `overlap_s`, and then no more."""
        end_s = now.timestamp() + overlap_s
        old = tuple(
            SigningKey(each.key, end_s if each.until_s is None else min(each.until_s, end_s))
            for each in self.signing
            if overlap_s > 0 and (each.until_s is None or each.until_s > now.timestamp())
        )
        return replace(self, signing=(SigningKey(key), *old))

    def changed(self, settings: Mapping[str, object]) -> "Secrets":
        """Return them with the values of these settings in place of their own."""
        changes: dict[str, object] = {
            name: settings[name] for name in SETTINGS if name in settings and name != "secret"
        }
        if "secret" in settings:
            keys = settings["secret"]
            texts = (keys,) if isinstance(keys, str) else tuple(map(str, keys))  # type: ignore[call-overload]
            changes["signing"] = tuple(SigningKey(key) for key in texts if key)
        return replace(self, **changes)


class Unreadable(Struct, frozen=True):
    """Secrets that none of the keys in use can read; they are kept as they are."""

    sealed: str

    def __repr__(self) -> str:
        """Return a text without them."""
        return "Unreadable(…)"

    __str__ = __repr__
