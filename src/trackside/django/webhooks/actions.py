"""What people do with webhooks: one function for each thing, whoever asks."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from django.db import IntegrityError, router, transaction
from django.utils import timezone
from msgspec import Struct
from msgspec.structs import replace

from trackside import hub
from trackside.destinations.webhook import Trial, WebhookSettings, try_out_now
from trackside.django.secret_rows import encryption
from trackside.django.secret_rows.secrets import Secrets
from trackside.django.webhooks import content, surroundings
from trackside.django.webhooks.models import ChangedMeanwhileError, Webhook, readable
from trackside.django.webhooks.refusals import NoSuchWebhook, NotReachable, NotTheCase, WrongSettings
from trackside.django.webhooks.resolving import refused_addresses
from trackside.errors import ConfigurationError
from trackside.outbound.names import Lookup, system_lookup
from trackside.outbound.signing import new_secret

_AGAIN: Final = 20
"""How often a change is tried anew because somebody else's came first."""
OWN_KEYS: Final = ("name", "description")
"""What a row has beside the settings of a webhook."""


class Created(Struct, frozen=True, kw_only=True):
    """A webhook that is there now."""

    row: Webhook
    secret: str | None
    """The signing secret that was made for it: to be shown once."""
    is_new: bool


def find(name: str) -> Webhook:
    """Return the row of that name. Raises NoSuchWebhook, and NotTheCase for one that the file declares."""
    row: Webhook | None = Webhook.objects.filter(name=name).first()
    if row is not None and row.name == name:  # not all databases tell cases apart
        return row
    if name in surroundings.current().config.destinations:
        raise NotTheCase(f"{name} is declared in the configuration file; change it there")
    raise NoSuchWebhook(f"there is no webhook {name!r}")


def prepared(
    row: Webhook,
    changes: Mapping[str, Any],
    *,
    strict: bool = True,
    lookup: Lookup = system_lookup,
) -> None:
    """Give the row what `changes` say, by setting, not saved.

    Raises WrongSettings and NotReachable; then the row is as it was.
    """
    if not encryption.is_available():
        raise NotReachable(f"secrets of webhooks cannot be kept without cryptography. {encryption.REMEDY}")
    given = {name: value for name, value in changes.items() if name not in OWN_KEYS}
    settings, problems = content.read(content.merged(row, given), strict=strict)
    if "description" in changes and not isinstance(changes["description"] or "", str):
        problems["description"] = [f"description is {changes['description']!r}; want text"]
    if "name" in changes:
        problems |= _name_problems(row, changes["name"])
    if settings is not None:
        problems |= content.carried_along(row, settings, given) | refused_addresses(settings, lookup=lookup)
    if problems or settings is None:
        raise WrongSettings(problems)
    content.put(row, settings, content.secrets_of(row, settings, given))
    row.name = changes.get("name", row.name)
    if "description" in changes:
        row.description = changes["description"] or ""


def create(
    changes: Mapping[str, Any], *, by: str, strict: bool = True, lookup: Lookup = system_lookup
) -> Created:
    """Make a webhook. Where one of that name and with these settings is there, that is returned instead.

    Without `strict` texts may stand for numbers. Without `secret` it gets a new one; with an empty one it signs
    nothing.
    Raises WrongSettings, and NotTheCase where there is another of that name.
    """
    before = Webhook.objects.filter(name=str(changes.get("name", ""))).first()
    if before is not None and before.name == changes.get("name"):
        if _is_same(before, changes, strict=strict):
            return Created(row=before, secret=None, is_new=False)
        raise NotTheCase(
            f"there is a webhook {before.name} with other settings; change it, or choose another name"
        )
    row = Webhook(created_by=by, updated_by=by)
    secret = new_secret() if changes.get("secret") is None else None
    named = {"name": None, **changes} | ({"secret": secret} if secret else {})
    prepared(row, named, strict=strict, lookup=lookup)
    try:
        with transaction.atomic(using=router.db_for_write(Webhook)):
            row.save()
    except IntegrityError as error:
        raise NotTheCase(f"somebody else made a webhook {row.name} meanwhile; look at it") from error
    return Created(row=row, secret=secret, is_new=True)


def change(
    name: str,
    changes: Mapping[str, Any],
    *,
    by: str,
    revision: int | None = None,
    strict: bool = True,
    lookup: Lookup = system_lookup,
) -> Webhook:
    """Change a webhook. With `revision` only where nobody changed it since it had that.

    Raises WrongSettings, NoSuchWebhook and NotTheCase.
    """

    def put_in(row: Webhook) -> None:
        if revision is not None and row.revision != revision:
            raise NotTheCase(f"somebody else changed {name} meanwhile; look at it again")
        prepared(row, changes, strict=strict, lookup=lookup)

    return _changed(name, put_in, by=by)


def delete(name: str, *, by: str) -> None:
    """Delete a webhook: its secrets are forgotten, its name stays taken."""

    def forget(row: Webhook) -> None:
        row.deleted_at = timezone.now()
        row.secrets = Secrets()

    _changed(name, forget, by=by)


def rotate(name: str, *, by: str, overlap_s: float | None = None) -> str:
    """Give a webhook a new signing secret, which is returned; the old one signs beside it for `overlap_s`."""
    secret = new_secret()
    seconds = surroundings.current().config.webhooks.overlap_s if overlap_s is None else overlap_s

    def replace_key(row: Webhook) -> None:
        secrets = readable(row)
        if secrets is None:
            raise NotTheCase(f"the secrets of {name} cannot be read; set the secret anew instead")
        row.secrets = secrets.rotated(secret, now=datetime.now(UTC), overlap_s=seconds)

    _changed(name, replace_key, by=by)
    return secret


def enable(name: str, *, by: str) -> Webhook:
    """Let events be sent to a webhook; one that was given up goes on where it stopped."""
    return _changed(name, Webhook.switch_on, by=by)


def disable(name: str, *, by: str) -> Webhook:
    """Send nothing more to a webhook; its place in the log is kept."""

    def switch_off(row: Webhook) -> None:
        row.enabled = False

    return _changed(name, switch_off, by=by)


def give_up(name: str, reason: str) -> None:
    """Keep that the delivery engine sends no more to a webhook, and why; of a name without a row nothing is kept."""

    def note(row: Webhook) -> None:
        row.enabled, row.disabled_at, row.disabled_reason = False, timezone.now(), reason

    if Webhook.objects.filter(name=name).exists() and name not in surroundings.current().config.destinations:
        _changed(name, note, by="delivery")


def go_on(name: str) -> None:
    """Let a webhook that was given up go on in the log too, where that can be reached."""
    with surroundings.opened_log() as log:
        if log is not None and name in log.subscriptions():
            log.subscription(name).pause(False)


def settings_for(name: str) -> WebhookSettings:
    """Return the settings of a webhook, whoever declares it. Raises NoSuchWebhook and NotTheCase."""
    declared = surroundings.current().declared().get(name)
    if declared is not None:
        return declared
    try:
        return content.settings_of(find(name), now=datetime.now(UTC))
    except ConfigurationError as error:
        raise NotTheCase(str(error)) from error


def try_out(name: str, *, by: str) -> Trial:
    """Send a test event to a webhook, whoever declares it, and return what came of it."""
    settings = settings_for(name)
    data_dir = Path(surroundings.current().config.data_dir)
    try:
        return try_out_now(settings, data_dir, asked_by=by, user_agent=f"Trackside/{hub.version()}")
    except ConfigurationError as error:
        raise NotTheCase(str(error)) from error
    except ModuleNotFoundError as error:
        raise NotReachable(
            f"sending needs {error.name}; install it: pip install 'trackside[server]'"
        ) from error


def encrypt_anew() -> tuple[int, list[str]]:
    """Encrypt all secrets with the first of the keys; return how many rows, and the names of those not readable."""
    count, unreadable = 0, []
    for name in Webhook.objects.values_list("name", flat=True):
        if readable(find(name)) is None:
            unreadable.append(name)
            continue
        _changed(name, lambda row: None, by=None)  # noqa: ARG005
        count += 1
    return count, unreadable


def _changed(name: str, put_in: Callable[[Webhook], None], *, by: str | None) -> Webhook:
    """Change a row by `put_in` and save it, anew where somebody else's change came first."""
    for left in reversed(range(_AGAIN)):
        row = find(name)
        given_up = row.disabled_at is not None
        put_in(row)
        if by is not None:
            row.updated_by = by
        try:
            row.save()
        except ChangedMeanwhileError as error:
            if not left:
                raise NotTheCase(str(error)) from error
            continue
        if given_up and row.enabled:
            go_on(name)
        return row
    raise AssertionError("unreachable")


def _name_problems(row: Webhook, name: object) -> dict[str, list[str]]:
    if not row._state.adding:  # noqa: SLF001  # Django's own word
        return {} if name == row.name else {"name": [f"name is {row.name!r}, and cannot be changed"]}
    reason = content.name_problem(name if name is not None else "")
    return {"name": [reason]} if reason else {}


def _is_same(row: Webhook, changes: Mapping[str, Any], *, strict: bool) -> bool:
    """Return whether a row already is what `changes` ask for."""
    given = {name: value for name, value in changes.items() if name not in OWN_KEYS}
    wanted, _ = content.read(content.merged(Webhook(), given | _unasked(row, given)), strict=strict)
    try:
        there = content.settings_of(row, now=datetime.now(UTC))
    except ConfigurationError:
        return False
    if wanted is None or (changes.get("description") or "") != row.description:
        return False
    return replace(wanted, secret=wanted.secrets) == replace(there, secret=there.secrets)


def _unasked(row: Webhook, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row's keys where none are asked for: they were made for it."""
    secrets = readable(row)
    if given.get("secret") is not None or secrets is None:
        return {}
    return {"secret": secrets.live_keys(datetime.now(UTC))}
