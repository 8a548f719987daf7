"""What is shown of webhooks: those of the file, read-only, and the rows; never their secrets."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from django.utils import timezone
from msgspec import Struct

from trackside.destinations.webhook import WebhookSettings
from trackside.django.secret_rows.secrets import SETTINGS, Secrets
from trackside.django.webhooks import surroundings
from trackside.django.webhooks.models import Webhook, builtins, readable
from trackside.django.webhooks.refusals import NoSuchWebhook
from trackside.django.webhooks.states import Standing, standings

Origin = Literal["file", "database"]


class Listed(Struct, frozen=True, kw_only=True):
    """A webhook as people see it."""

    name: str
    origin: Origin
    description: str
    settings: dict[str, Any]
    """As the file has them, with marks in place of secrets."""
    standing: Standing
    revision: int | None = None
    disabled_reason: str = ""
    disabled_at: datetime | None = None
    created_at: datetime | None = None
    created_by: str = ""
    updated_at: datetime | None = None
    updated_by: str = ""
    problem: str = ""
    """Why it cannot be used as it is."""


def webhooks() -> list[Listed]:
    """Return all webhooks, by name, those of the file first."""
    declared = surroundings.current().declared()
    return _listed(declared, list(Webhook.objects.all()))


def declared_webhooks() -> list[Listed]:
    """Return the webhooks of the file, by name."""
    return _listed(surroundings.current().declared(), [])


def webhook(name: str) -> Listed:
    """Return one webhook. Raises NoSuchWebhook."""
    declared = surroundings.current().declared().get(name)
    if declared is not None:
        return _listed({name: declared}, [])[0]
    row = Webhook.objects.filter(name=name).first()
    if row is None or row.name != name:
        raise NoSuchWebhook(f"there is no webhook {name!r}")
    return _listed({}, [row])[0]


def _listed(declared: Mapping[str, WebhookSettings], rows: list[Webhook]) -> list[Listed]:
    taken = surroundings.current().config.destinations
    active = {row.name: row.is_active for row in rows}
    stand = standings(active | {name: each.enabled for name, each in declared.items()})
    of_file = [
        Listed(name=name, origin="file", description="", settings=_of_file(settings), standing=stand[name])
        for name, settings in sorted(declared.items())
    ]
    return of_file + [
        of_row(row, stand[row.name], hidden=row.name in taken)
        for row in sorted(rows, key=lambda row: row.name)
    ]


def of_row(row: Webhook, standing: Standing, *, hidden: bool = False) -> Listed:
    """Return a row as people see it; `hidden` where the file declares its name too."""
    secrets = readable(row)
    problem = "the configuration file declares a destination of the same name, which counts" if hidden else ""
    if secrets is None:
        problem = "its secrets cannot be read with the keys in use: set them anew, or bring the key back"
    return Listed(
        name=row.name,
        origin="database",
        description=row.description,
        settings=row.table() | (secrets or Secrets()).shown(timezone.now()),
        standing=standing,
        revision=row.revision,
        disabled_reason=row.disabled_reason,
        disabled_at=row.disabled_at,
        created_at=row.created_at,
        created_by=row.created_by,
        updated_at=row.updated_at,
        updated_by=row.updated_by,
        problem=problem,
    )


def _of_file(settings: WebhookSettings) -> dict[str, Any]:
    secrets = Secrets().changed({name: getattr(settings, name) for name in SETTINGS})
    shown = {**builtins(settings), **secrets.shown(timezone.now())}
    return {name: value for name, value in shown.items() if name != "kind"}
