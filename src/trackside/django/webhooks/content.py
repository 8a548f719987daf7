"""A row's settings: read and checked as the configuration file's are, and held to what the operator allows."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from django.utils import timezone
from msgspec.structs import replace

from trackside.config.reading import read_part
from trackside.destinations.webhook import WebhookSettings
from trackside.destinations.webhook import problems as webhook_problems
from trackside.django.secret_rows.changes import NAME, Problems, carried_along, secrets_of
from trackside.django.secret_rows.changes import merged as changed_table
from trackside.django.secret_rows.files import wrong_files
from trackside.django.secret_rows.secrets import Secrets, Unreadable
from trackside.django.webhooks import surroundings
from trackside.django.webhooks.models import COLUMNS, LATEST, URL_CHARS, Webhook, builtins, readable
from trackside.errors import ConfigurationError
from trackside.outbound.policy import AddressPolicy
from trackside.outbound.url import parse_url

__all__ = ["NAME", "Problems", "carried_along", "secrets_of"]

_OF_OPERATORS: Final = ("allow_private_networks", "allow", "proxy", "http2")
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
        http2=ceiling.http2,
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
    """Return the row's table with changes as of a JSON merge patch; what is not said of its start is the latest."""
    table = changed_table(row, changes)
    table.setdefault("start", LATEST)
    return table


def _problems(settings: WebhookSettings) -> Iterator[tuple[str, str]]:
    for sentence in webhook_problems(settings):
        yield re.split(r"[ :]", sentence, maxsplit=1)[0], sentence
    for name, longest in _LONGEST.items():
        if len(getattr(settings, name)) > longest:
            yield name, f"{name} is longer than {longest} characters; want a shorter one"
    yield from _forbidden(settings)
    yield from wrong_files(settings)


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
