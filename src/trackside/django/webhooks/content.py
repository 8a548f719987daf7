"""A row's settings: read and checked as the configuration file's are, and held to what the operator allows."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final

from django.utils import timezone
from msgspec.structs import replace

from trackside.config.reading import read_part
from trackside.destinations.webhook import WebhookSettings
from trackside.destinations.webhook import problems as webhook_problems
from trackside.django.webhooks import surroundings
from trackside.django.webhooks.models import COLUMNS, LATEST, URL_CHARS, Webhook, builtins, readable
from trackside.django.webhooks.secrets import SETTINGS, Secrets, Unreadable
from trackside.errors import ConfigurationError
from trackside.outbound.policy import AddressPolicy
from trackside.outbound.tls import tls_context
from trackside.outbound.url import parse_url

Problems = dict[str, list[str]]
"""Setting → what is wrong with it, in sentences that begin with its name."""

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-]{0,63}")
_OF_OPERATORS: Final = ("allow_private_networks", "allow", "proxy")
_KNOWN_TO: Final = {
    "url": ("bearer_token", "basic_password", "oauth_client_secret"),
    "oauth_token_url": ("oauth_client_secret",),
}
"""URL → the secrets that its host is told, or what stands for them."""
_LONGEST: Final = {
    each.name: each.max_length
    for each in Webhook._meta.concrete_fields  # noqa: SLF001  # Django's own word
    if each.name in COLUMNS and each.max_length and each.max_length != URL_CHARS
}


def settings_of(row: Webhook, *, now: datetime) -> WebhookSettings:
    """Return the settings that delivery uses now, `enabled` as the row as a whole has it.

    Raises ConfigurationError where they cannot be used: not readable, or not good any more.
    """
    secrets = readable(row)
    if secrets is None:
        raise ConfigurationError(
            f"the secrets of {row.name} cannot be read: they were encrypted with a key that is not in use any more;"
            " bring it back (SECRET_KEY_FALLBACKS, encryption_keys), or set the secrets anew"
        )
    table = row.table() | secrets.settings(now) | {"enabled": row.is_active}
    found, problems = read(table)
    if problems or found is None:
        raise ConfigurationError("; ".join(each for told in problems.values() for each in told))
    return found


def read(table: Mapping[str, Any], *, strict: bool = True) -> tuple[WebhookSettings | None, Problems]:
    """Return the settings of a table as the file would hold it, or what is wrong with them.

    What the operator allows to all rows is put in; a row itself cannot allow anything.
    """
    problems: Problems = {
        name: [
            f"{name} is for the operator to set, for all webhooks at once: [webhooks] of the configuration"
        ]
        for name in _OF_OPERATORS
        if name in table
    }
    rest = {name: value for name, value in table.items() if name not in problems}
    made = read_part(WebhookSettings, rest, strict=strict)
    if not isinstance(made, WebhookSettings):
        return None, problems | dict(made if isinstance(made, dict) else {})
    if made.kind != "webhook":
        problems["kind"] = [f"kind is {made.kind!r}; want webhook, or leave it out"]
    ceiling = surroundings.current().config.webhooks
    made = replace(
        made,
        allow=ceiling.allow,
        allow_private_networks=ceiling.allow_private_networks,
        proxy=ceiling.proxy,
    )
    for name, sentence in _problems(made):
        problems.setdefault(name, []).append(sentence)
    return (None if problems else made), problems


def problems_of(row: Webhook) -> Problems:
    """Return what is wrong with a row, its name among it."""
    secrets = readable(row)
    known = Secrets() if secrets is None else secrets
    _, problems = read(row.table() | known.settings(timezone.now()))
    if row._state.adding and (reason := name_problem(row.name)):  # noqa: SLF001  # Django's own word
        problems["name"] = [reason]
    return problems


def name_problem(name: object) -> str | None:
    """Return why no new row can have this name, or None where one can."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        return "name is no good name; want up to 64 letters, digits, _ and -"
    if name in surroundings.current().config.destinations:
        return f"name is {name!r}, which the configuration file declares; choose another"
    # whatever the case: some databases tell no more apart
    other = Webhook.all_rows.filter(name__iexact=name).first()
    if other is None:
        return None
    if other.deleted_at is not None:
        return f"name is {name!r}; deleted webhooks keep their name; choose another"
    return f"name is {name!r}, which is taken by the webhook {other.name}; choose another"


def put(row: Webhook, settings: WebhookSettings, secrets: Secrets | Unreadable) -> None:
    """Give a row these settings and secrets; it is not saved."""
    values = builtins(settings)
    for name in COLUMNS:
        setattr(row, name, values[name])
    row.secrets = secrets
    if row.enabled:
        row.switch_on()


def merged(row: Webhook, changes: Mapping[str, Any]) -> dict[str, Any]:
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
    table.setdefault("start", LATEST)
    return table


def secrets_of(row: Webhook, settings: WebhookSettings, changes: Mapping[str, Any]) -> Secrets | Unreadable:
    """Return the row's secrets after `changes`; a key that is being replaced stays, where the keys do not change.

    Secrets that cannot be read stay as they are until one of them is set anew.
    """
    named = {name: getattr(settings, name) for name in SETTINGS if name in changes}
    return (readable(row) or Secrets()).changed(named) if named else row.secrets


def carried_along(row: Webhook, settings: WebhookSettings, changes: Mapping[str, Any]) -> Problems:
    """Return what is wrong where a URL leads to another host and what was a secret between us and the first would too.

    Whoever may change a webhook must not learn its credentials by having them sent to a server of their own.
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


def _is_kept(header: str, settings: WebhookSettings, changes: Mapping[str, Any]) -> bool:
    return header in settings.headers and header not in (changes.get("headers") or {})


def _origin(url: str) -> object:
    target = parse_url(url)
    return target if isinstance(target, str) else (target.scheme, target.host, target.port)


def _problems(settings: WebhookSettings) -> Iterator[tuple[str, str]]:
    for sentence in webhook_problems(settings):
        yield re.split(r"[ :]", sentence, maxsplit=1)[0], sentence
    for name, longest in _LONGEST.items():
        if len(getattr(settings, name)) > longest:
            yield name, f"{name} is longer than {longest} characters; want a shorter one"
    yield from _forbidden(settings)
    yield from _wrong_files(settings)


def _forbidden(settings: WebhookSettings) -> Iterator[tuple[str, str]]:
    try:
        policy = AddressPolicy(allow=settings.allow, allow_private_networks=settings.allow_private_networks)
    except ConfigurationError:
        return  # the operator is told by whoever reads the configuration
    for name in ("url", "oauth_token_url"):
        url = getattr(settings, name)
        if isinstance(parse_url(url), str):
            continue  # not there, or told already
        if reason := policy.why_not_url(url):
            yield name, f"{name} must not be asked: {reason}"


def _wrong_files(settings: WebhookSettings) -> Iterator[tuple[str, str]]:
    """Tell of files outside the data directory: whoever edits rows must not probe the machine's disk."""
    names = ("tls_ca_file", "tls_certificate_file", "tls_key_file")
    files = {name: getattr(settings, name) for name in names if getattr(settings, name)}
    for name, text in files.items():
        path = PurePosixPath(text)
        if path.is_absolute() or ".." in path.parts or path.parts[:1] != ("tls",):
            yield (
                name,
                f"{name} is {text!r}; want a file in the folder tls of the data directory, as tls/ca.pem",
            )
            return
    if not files:
        return
    data_dir = Path(surroundings.current().config.data_dir)
    paths = {name: str(data_dir / text) for name, text in files.items()}
    try:
        tls_context(
            ca_file=paths.get("tls_ca_file", ""),
            certificate_file=paths.get("tls_certificate_file", ""),
            key_file=paths.get("tls_key_file", ""),
        )
    except ConfigurationError as error:
        yield next(iter(files)), f"{next(iter(files))}: {error}"
