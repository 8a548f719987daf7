"""What is taken out of the tables, and the event that tells of it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid5

from django.db import connections, models, router, transaction
from msgspec import Struct

from trackside.django.outbox.models import SetAsideRow
from trackside.django.outbox.rows import decode_event
from trackside.django.outbox.settings import current as outbox
from trackside.django.settings import current
from trackside.django.webfilters.models import Webfilter, WebfilterQuestion
from trackside.django.webhooks.models import ApiToken, Webhook
from trackside.emitted.identity import sending_as
from trackside.tracker import Tracker

EVENT: Final = "trackside.user.retired"
_IDS: Final = UUID("0d5d5c3e-5f0c-4f0e-9a55-3b0a8a3f5d11")
"""Namespace of the event's id: a user who is retired twice within the log's window is told of once."""
_BLANK: Final[dict[str, Any]] = {"actor": "", "hooks": [], "patch": [], "conflicts": [], "input_hash": ""}
_ID_NAMES: Final = ("user_id", "lms_user_id")
_AUTHORS: Final[tuple[tuple[type[models.Model], tuple[str, ...]], ...]] = (
    (Webhook, ("created_by", "updated_by")),
    (Webfilter, ("created_by", "updated_by")),
    (ApiToken, ("created_by",)),
)


class Retired(Struct, frozen=True, kw_only=True):
    """How many rows were changed or deleted."""

    questions: int = 0
    """Questions of webfilters that the user's requests asked: kept, without anything of the user."""
    set_aside: int = 0
    """Events of the outbox that were set aside and told of the user: deleted."""
    tokens: int = 0
    """API tokens of the user: deleted."""
    named: int = 0
    """Webhooks, webfilters and tokens that named the user as their author: they name nobody now."""
    told: bool = False
    """Whether the event was emitted."""


def retire_user(user_id: object, username: str = "", *, tracker: Tracker | None) -> Retired:
    """Take a user out of our tables, and emit `trackside.user.retired`, both or neither.

    Doing it again changes nothing more. Tables that are not there are passed over. Raises what the database raises:
    whoever retires a user must know that it is not done.
    """
    id_ = str(user_id) if user_id is not None else ""
    with ExitStack() as stack:
        for alias in dict.fromkeys([*map(router.db_for_write, _tables()), outbox().database]):
            stack.enter_context(transaction.atomic(using=alias))
        retired = Retired(
            questions=_blank_questions(id_, username),
            set_aside=_delete_set_aside(id_, username),
            tokens=_rows(ApiToken).filter(user_key=id_).delete()[0] if id_ and _is_there(ApiToken) else 0,
            named=sum(_unname(model, names, username) for model, names in _AUTHORS) if username else 0,
            told=tracker is not None and bool(id_) and current().signals.personal_data != "none",
        )
        if retired.told and tracker is not None:
            _tell(tracker, user_id, username)
    return retired


def tells_of(value: object, user_id: str, username: str) -> bool:
    """Return whether plain data names a user, by id or by name, at any depth, and in JSON that is a text in it."""
    if isinstance(value, str):
        return value.startswith(("{", "[")) and tells_of(_read(value), user_id, username)
    if isinstance(value, Mapping):
        return any(_names(value, user_id, username)) or any(
            tells_of(each, user_id, username) for each in value.values()
        )
    return isinstance(value, list) and any(tells_of(each, user_id, username) for each in value)


def _read(text: str) -> object:
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found


def _names(table: Mapping[str, Any], user_id: str, username: str) -> Iterator[bool]:
    if username:
        yield table.get("username") == username
    if user_id:
        yield any(name in table and str(table[name]) == user_id for name in _ID_NAMES)
        yield "pii" in table and str(table.get("id")) == user_id


def _blank_questions(user_id: str, username: str) -> int:
    if not _is_there(WebfilterQuestion):
        return 0
    actors = [each for each in (user_id, username) if each]
    return _rows(WebfilterQuestion).filter(actor__in=actors).update(**_BLANK)


def _delete_set_aside(user_id: str, username: str) -> int:
    if not _is_there(SetAsideRow, outbox().database):
        return 0
    rows = SetAsideRow.objects.using(outbox().database)
    found = [row.pk for row in rows.iterator() if _event_tells_of(row.body, user_id, username)]
    return rows.filter(pk__in=found).delete()[0]


def _event_tells_of(body: str, user_id: str, username: str) -> bool:
    try:
        event = decode_event(body)
    except ValueError:
        return bool(username) and username in body  # no relay could send it either
    return tells_of(event, user_id, username)


def _unname(model: type[models.Model], columns: tuple[str, ...], username: str) -> int:
    if not _is_there(model):
        return 0
    changed: set[Any] = set()
    for column in columns:
        rows = _rows(model).filter(**{column: username})
        changed.update(rows.values_list("pk", flat=True))
        rows.update(**{column: ""})
    return len(changed)


def _rows(model: type[models.Model]) -> "models.QuerySet[Any]":
    """Return all rows, also those that are deleted as far as people see."""
    return model._base_manager.using(router.db_for_write(model))  # noqa: SLF001  # Django's own word


def _tables() -> tuple[type[models.Model], ...]:
    return WebfilterQuestion, Webfilter, Webhook, ApiToken


def _is_there(model: type[models.Model], alias: str | None = None) -> bool:
    connection = connections[alias or router.db_for_write(model)]
    return model._meta.db_table in connection.introspection.table_names()  # noqa: SLF001


def _tell(tracker: Tracker, user_id: object, username: str) -> None:
    known = username if username and current().signals.personal_data == "full" else None
    event = {
        "name": EVENT,
        "timestamp": datetime.now(UTC),
        "data": {"user_id": user_id if isinstance(user_id, int) else str(user_id), "username": known},
        "context": {},
        "user_id": str(user_id),
    }
    with sending_as(str(uuid5(_IDS, str(user_id)))):
        tracker.emit_event(event, on_commit=True)
