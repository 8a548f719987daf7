"""A row's settings: read and checked as the hooks of the Django settings are, and held to what the operator allows."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from django.conf import settings as django_settings
from django.utils import timezone
from msgspec.structs import replace

from trackside.django.secret_rows.changes import NAME, Problems
from trackside.django.secret_rows.files import FILES, misplaced, named, whole_paths
from trackside.django.secret_rows.rows import readable
from trackside.django.secret_rows.secrets import Secrets, Unreadable
from trackside.django.webfilters.models import COLUMNS, Webfilter, builtins
from trackside.django.webfilters.settings import read as read_settings
from trackside.django.webhooks import surroundings
from trackside.errors import ConfigurationError
from trackside.outbound.policy import AddressPolicy
from trackside.outbound.url import parse_url
from trackside.webfilters import Hook, read_hook

_LONGEST: Final = {
    each.name: each.max_length
    for each in Webfilter._meta.concrete_fields  # noqa: SLF001  # Django's own word
    if each.name in COLUMNS and each.max_length
}
_OF_POLICY: Final = ("enabled", "mode", "order", "on_failure", "message")
"""What counts of a row that cannot be used."""
_FIELD_OF: Final = {"oauth": "oauth_token_url"}
"""First word of a sentence → the field it belongs to, where that is no setting's name."""


def policy() -> AddressPolicy:
    """Return what the operator allows to all rows, as `[webhooks]` says it. Raises ConfigurationError."""
    ceiling = surroundings.current().config.webhooks
    return AddressPolicy(allow=ceiling.allow, allow_private_networks=ceiling.allow_private_networks)


def hook_of(row: Webfilter, *, now: datetime) -> Hook:
    """Return the hook that is asked now. Raises ConfigurationError where it cannot be used any more."""
    secrets = readable(row)
    if secrets is None:
        raise ConfigurationError(
            f"the secrets of {row.name} cannot be read: they were encrypted with a key that is not in use any more;"
            " bring it back (SECRET_KEY_FALLBACKS, encryption_keys), or set the secrets anew"
        )
    found, problems = read(row.name, row.table() | secrets.settings(now))
    if problems or found is None:
        raise ConfigurationError("; ".join(each for told in problems.values() for each in told))
    return replace(found, **whole_paths(named(found)))


def unusable(row: Webfilter) -> Hook:
    """Return a hook in place of one that cannot be used: nobody is asked by it, and it fails by the row's policy.

    Without it a gate that has to be closed in doubt would stand open.
    """
    policy_of_row = {name: getattr(row, name) for name in _OF_POLICY}
    return Hook(name=row.name, point=row.point, url="", **policy_of_row)


def read(name: str, table: Mapping[str, Any], *, strict: bool = True) -> tuple[Hook | None, Problems]:
    """Return the hook of a table as the settings would hold it, or what is wrong, by setting.

    Its files are as the table names them.
    """
    files = {each: table[each] for each in FILES if isinstance(table.get(each), str) and table[each]}
    problems: Problems = {each: [sentence] for each, sentence in misplaced(files)}
    found = dict.fromkeys(files, "") if problems else whole_paths(files)
    made = read_hook(name, {**table, **found}, strict=strict)
    if not isinstance(made, Hook):
        for sentence in made:
            first = re.split(r"[ :]", sentence, maxsplit=1)[0]
            problems.setdefault(_FIELD_OF.get(first, first), []).append(sentence)
        return None, problems
    made = replace(made, **files)
    for setting, sentence in (*_too_long(made), *_forbidden(made)):
        problems.setdefault(setting, []).append(sentence)
    return (None if problems else made), problems


def problems_of(row: Webfilter) -> Problems:
    """Return what is wrong with a row, its name among it."""
    secrets = readable(row)
    known = Secrets() if secrets is None else secrets
    _, problems = read(row.name or "-", row.table() | known.settings(timezone.now()))
    if row._state.adding and (reason := name_problem(row.name)):  # noqa: SLF001  # Django's own word
        problems["name"] = [reason]
    return problems


def name_problem(name: object) -> str | None:
    """Return why no new row can have this name, or None where one can."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        return "name is no good name; want up to 64 letters, digits, _ and -"
    if name in {hook.name for hook in read_settings(django_settings)[0].hooks}:
        return f"name is {name!r}, which a hook of the settings has; choose another"
    # whatever the case: some databases tell no more apart
    other = Webfilter.objects.filter(name__iexact=name).first()
    if other is None:
        return None
    return f"name is {name!r}, which is taken by the webfilter {other.name}; choose another"


def put(row: Webfilter, hook: Hook, secrets: Secrets | Unreadable) -> None:
    """Give a row these settings and secrets; it is not saved."""
    values = builtins(hook)
    for name in COLUMNS:
        setattr(row, name, values[name])
    row.secrets = secrets


def _too_long(hook: Hook) -> Iterator[tuple[str, str]]:
    for name, longest in _LONGEST.items():
        if len(getattr(hook, name)) > longest:
            yield name, f"{name} is longer than {longest} characters; want a shorter one"


def _forbidden(hook: Hook) -> Iterator[tuple[str, str]]:
    try:
        allowed = policy()
    except ConfigurationError:
        return  # the operator is told by whoever reads the configuration
    for name in ("url", "oauth_token_url"):
        url = getattr(hook, name)
        if not isinstance(parse_url(url), str) and (reason := allowed.why_not_url(url)):
            yield name, f"{name} must not be asked: {reason}"
