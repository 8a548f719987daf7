"""Changes of a row: merged into its settings; credentials that do not follow a URL to another host."""

import re
from collections.abc import Mapping
from typing import Any, Final, Protocol

from django.utils import timezone

from trackside.django.secret_rows.rows import SecretRow, readable
from trackside.django.secret_rows.secrets import SETTINGS, Secrets, Unreadable
from trackside.outbound.url import parse_url

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-]{0,63}")
Problems = dict[str, list[str]]
"""Setting → what is wrong with it, in sentences that begin with its name."""
_KNOWN_TO: Final = {
    "url": ("bearer_token", "basic_password", "oauth_client_secret"),
    "oauth_token_url": ("oauth_client_secret",),
}
"""URL → the secrets that its host is told, or what stands for them."""


class Addressed(Protocol):
    """Settings that say where requests go and what they carry."""

    @property
    def url(self) -> str:
        """Where requests go."""

    @property
    def oauth_token_url(self) -> str:
        """Where a token is asked for."""

    @property
    def headers(self) -> Mapping[str, str]:
        """What requests carry."""


def merged(row: SecretRow, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row's table with changes as of a JSON merge patch: null takes a setting back to its default.

    A key in `headers` is changed alone. Secrets that cannot be read count as not set.
    """
    secrets = readable(row) or Secrets()
    table = row.table() | secrets.settings(timezone.now())
    for name, value in changes.items():
        if value is None:
            table.pop(name, None)
        elif name == "headers" and isinstance(value, Mapping):
            both = {**table.get("headers", {}), **value}
            table[name] = {key: each for key, each in both.items() if each is not None}
        else:
            table[name] = value
    if not table.get("url"):
        table.pop("url", None)
    return table


def secrets_of(row: SecretRow, settings: object, changes: Mapping[str, Any]) -> Secrets | Unreadable:
    """Return the row's secrets after `changes`; a key that is being replaced stays, where the keys do not change.

    Secrets that cannot be read stay as they are until one of them is set anew.
    """
    named = {name: getattr(settings, name) for name in SETTINGS if name in changes}
    return (readable(row) or Secrets()).changed(named) if named else row.secrets


def carried_along(row: SecretRow, settings: Addressed, changes: Mapping[str, Any]) -> Problems:
    """Return what is wrong where a URL leads to another host and what was a secret between us and the first would too.

    Whoever may change a row must not learn its credentials by having them sent to a server of their own.
    """
    secrets = readable(row)
    if row._state.adding or secrets is None:  # noqa: SLF001  # Django's own word
        return {}
    problems: Problems = {}
    for url, names in _KNOWN_TO.items():
        if not getattr(row, url) or _origin(getattr(row, url)) == _origin(getattr(settings, url)):
            continue
        kept = [name for name in names if getattr(secrets, name) and name not in changes]
        if url == "url":
            kept += [f"headers.{name}" for name in secrets.headers if _is_kept(name, settings, changes)]
        if kept:
            problems[url] = [f"{url} leads to another host; give {' and '.join(kept)} anew, or remove it"]
    return problems


def _is_kept(header: str, settings: Addressed, changes: Mapping[str, Any]) -> bool:
    return header in settings.headers and header not in (changes.get("headers") or {})


def _origin(url: str) -> object:
    target = parse_url(url)
    return target if isinstance(target, str) else (target.scheme, target.host, target.port)
