"""All rows of openedx-webhooks beside what is here already: what an import would do, and nothing done yet."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, Literal

from django.db import router
from msgspec import Struct, field

from trackside.config.reading import read_part
from trackside.destinations.webhook import WebhookSettings
from trackside.django.secret_rows import encryption
from trackside.django.secret_rows.refusals import NotReachable
from trackside.django.secret_rows.rows import SecretRow
from trackside.django.secret_rows.secrets import Secrets
from trackside.django.webfilters import content as webfilter_content
from trackside.django.webfilters.actions import points_of
from trackside.django.webfilters.models import Webfilter
from trackside.django.webhooks import content as webhook_content
from trackside.django.webhooks.models import Webhook
from trackside.django.webhooks.resolving import refused, refused_addresses
from trackside.errors import ConfigurationError
from trackside.openedx.importing import webfilters, webhooks
from trackside.openedx.importing.notes import Note, refused_url, shown_url
from trackside.openedx.importing.tables import (
    WEBFILTERS,
    WEBHOOKS,
    OldRow,
    OldTables,
    missing_columns,
)
from trackside.outbound.names import Lookup, system_lookup
from trackside.webfilters import Hook

Kind = Literal["webhook", "webfilter"]
Outcome = Literal["new", "same", "different", "impossible"]
_NOT_COMPARED: Final = ("enabled", "basic_password")
_OLD_TABLE: Final = {"webhook": WEBHOOKS, "webfilter": WEBFILTERS}


class Planned(Struct, kw_only=True):
    """One old row, and what becomes of it."""

    kind: Kind
    old: OldRow
    name: str
    """What the row here is called; the same at each import."""
    outcome: Outcome
    """new: to be made. same: here already. different: here, with other settings. impossible: not to be imported."""
    settings: dict[str, Any] = field(default_factory=dict)
    changed: dict[str, Any] = field(default_factory=dict)
    """Where it is different: setting → what the row here has."""
    notes: list[Note] = field(default_factory=list)
    row: SecretRow | None = None
    """The row here: new, and not saved, or as it is."""

    @property
    def old_table(self) -> str:
        """The table that the old row is in."""
        return _OLD_TABLE[self.kind]

    @property
    def works_here(self) -> bool:
        """Whether it is, or will be, enabled here."""
        return self.row is not None and bool(getattr(self.row, "enabled", False))

    @property
    def takes_its_place(self) -> bool:
        """Whether it does here what the old one does: one in shadow only watches, and not everywhere are rows asked."""
        if not isinstance(self.row, Webfilter):
            return self.works_here
        asked = webfilters.rows_are_asked() and bool(points_of(self.row))
        return self.works_here and self.row.mode == "enforce" and asked


class Plan(Struct, kw_only=True):
    """All of them, webhooks first, each kind in the order of its keys."""

    tables: OldTables
    rows: list[Planned]


def make_plan(alias: str, *, lookup: Lookup = system_lookup) -> Plan:
    """Return what an import from that database would do.

    Raises NoOldTables, NotReachable, and ConfigurationError where the tables here are not as they have to be.
    """
    if not encryption.is_available():
        raise NotReachable(f"rows of webhooks cannot be kept without cryptography. {encryption.REMEDY}")
    tables = OldTables(alias)
    for model in (Webhook, Webfilter):
        _check_migrated(model)
    found = [*_webhooks(tables, lookup), *_webfilters(tables, lookup)]
    return Plan(tables=tables, rows=found)


def _check_migrated(model: type[SecretRow]) -> None:
    database = router.db_for_write(model)
    columns = [str(each.column) for each in model._meta.concrete_fields]  # noqa: SLF001  # Django's own word
    if lacking := missing_columns(database, model._meta.db_table, columns):  # noqa: SLF001
        raise ConfigurationError(
            f"the database {database!r} has no {', '.join(lacking[:3])} in {model._meta.db_table}; run"  # noqa: SLF001
            " `manage.py migrate trackside` first"
        )


def _webhooks(tables: OldTables, lookup: Lookup) -> Iterator[Planned]:
    for old in tables.rows(WEBHOOKS):
        planned = _planned("webhook", old)
        settings = webhooks.settings_of(old)
        if settings is None:
            _cannot(planned, "unknown", f"No signal is called {old.event!r}; it is not imported.")
            yield planned
            continue
        planned.settings = settings
        planned.notes = [*webhooks.notes_of(old)]
        there = Webhook.all_rows.filter(name=planned.name).first()
        if there is None:
            _make_webhook(planned, lookup)
        elif there.deleted_at is not None:
            _cannot(planned, "deleted", f"{planned.name} was deleted here; deleted webhooks keep their name.")
        else:
            _compare(planned, there)
        yield planned


def _webfilters(tables: OldTables, lookup: Lookup) -> Iterator[Planned]:
    rows = tables.rows(WEBFILTERS)
    meant = webfilters.meant_by(rows, tables)
    for old in rows:
        planned = _planned("webfilter", old)
        if old.id not in meant:
            _cannot(planned, "unknown", f"No filter is called {old.event!r}; it is not imported.")
            yield planned
            continue
        planned.settings = webfilters.settings_of(meant[old.id])
        planned.notes = [*webfilters.notes_of(meant[old.id])]
        there = Webfilter.objects.filter(name=planned.name).first()
        if there is None:
            _make_webfilter(planned, lookup)
        else:
            _compare(planned, there)
        yield planned


def _planned(kind: Kind, old: OldRow) -> Planned:
    return Planned(kind=kind, old=old, name=f"openedx-webhooks-{kind}-{old.id}", outcome="new")


def _cannot(planned: Planned, code: str, sentence: str) -> None:
    planned.outcome = "impossible"
    planned.notes = [Note(code, sentence)]


def _cannot_be_read(planned: Planned, problems: object) -> None:
    told = (
        [each for sentences in problems.values() for each in sentences] if isinstance(problems, dict) else []
    )
    _cannot(planned, "unusable", f"{told_of(planned, told)}. It is not imported.")


def told_of(planned: Planned, sentences: Iterable[object]) -> str:
    """Return sentences about a row as one, with nothing in them that may be a key."""
    url = str(planned.settings.get("url", ""))
    return "; ".join(map(str, sentences)).replace(url, shown_url(url))


def _compare(planned: Planned, there: SecretRow) -> None:
    """Note where a row here says something else. Whether it is enabled is its own matter once it is here."""
    planned.row = there
    planned.changed = {
        name: getattr(there, name)
        for name, value in planned.settings.items()
        if name not in _NOT_COMPARED and getattr(there, name) != value
    }
    planned.outcome = "different" if planned.changed else "same"


def _make_webhook(planned: Planned, lookup: Lookup) -> None:
    row = Webhook(name=planned.name, description=_description(planned))
    made = read_part(WebhookSettings, planned.settings | {"start": "latest"}, strict=True)
    if not isinstance(made, WebhookSettings):
        _cannot_be_read(planned, made)
        return
    webhook_content.put(row, made, Secrets(basic_password=made.basic_password))
    problems = webhook_content.problems_of(row)
    if not problems:
        problems = refused_addresses(webhook_content.settings_of(row, now=datetime.now(UTC)), lookup=lookup)
    _settle(planned, row, problems)


def _make_webfilter(planned: Planned, lookup: Lookup) -> None:
    row = Webfilter(name=planned.name)
    made = read_part(Hook, {**planned.settings, "name": planned.name}, strict=True)
    if not isinstance(made, Hook):
        _cannot_be_read(planned, made)
        return
    webfilter_content.put(row, made, Secrets(basic_password=made.basic_password))
    problems = webfilter_content.problems_of(row) or refused(made, webfilter_content.policy(), lookup=lookup)
    _settle(planned, row, problems)


def _settle(planned: Planned, row: Webhook | Webfilter, problems: dict[str, list[str]]) -> None:
    """Take what is wrong into account: a row that cannot be used is here, and not enabled."""
    if "name" in problems:
        _cannot(planned, "name", "; ".join(problems["name"]))
        return
    for name, told in problems.items():
        sentence = told_of(planned, told)
        planned.notes.append(
            refused_url(sentence)
            if name == "url"
            else Note("unusable", f"{sentence}. It is imported not enabled.")
        )
        row.enabled = planned.settings["enabled"] = False
    planned.row = row


def _description(planned: Planned) -> str:
    return planned.old.description or f"{planned.old.event}, from openedx-webhooks"
