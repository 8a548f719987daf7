"""A plan carried out: all of it, or nothing."""

from django.db import router, transaction
from msgspec import Struct

from trackside.django.secret_rows.refusals import WrongSettings
from trackside.django.webfilters import actions as webfilter_actions
from trackside.django.webfilters.models import Webfilter
from trackside.django.webhooks import actions as webhook_actions
from trackside.django.webhooks.models import Webhook
from trackside.openedx.importing.notes import Note
from trackside.openedx.importing.plan import Plan, Planned, told_of


class Applied(Struct, kw_only=True):
    """What was done."""

    made: int = 0
    updated: int = 0
    disabled_there: int = 0


def apply(plan: Plan, *, by: str, update: bool = False, disable_old: bool = False) -> Applied:
    """Make the rows of a plan, in one transaction of each database; with `update` change those that are different.

    `disable_old` takes `enabled` from those old rows whose row here is enabled and obeyed: the others go on there.
    """
    done = Applied()
    with (
        transaction.atomic(using=plan.tables.alias),
        transaction.atomic(using=router.db_for_write(Webhook)),
        transaction.atomic(using=router.db_for_write(Webfilter)),
    ):
        for planned in plan.rows:
            if planned.outcome == "new" and planned.row is not None:
                planned.row.created_by = planned.row.updated_by = by
                planned.row.save()
                done.made += 1
            elif planned.outcome == "different" and update:
                done.updated += _updated(planned, by)
        if disable_old:
            done.disabled_there = sum(
                plan.tables.disable(planned.old_table, [planned.old.id])
                for planned in plan.rows
                if planned.takes_its_place
            )
    return done


def _updated(planned: Planned, by: str) -> bool:
    """Give a row what the old one says; where that cannot be, it stays as it is and the plan says why."""
    row = planned.row
    changed = [*planned.changed, *(name for name in ("basic_password",) if name in planned.settings)]
    changes = {name: planned.settings[name] for name in changed}
    try:
        if isinstance(row, Webhook):
            webhook_actions.prepared(row, changes)
        elif isinstance(row, Webfilter):
            webfilter_actions.prepared(row, changes)
        else:
            return False
    except WrongSettings as error:
        planned.notes.append(Note("not_updated", f"It stays as it is: {told_of(planned, [error])}."))
        return False
    row.updated_by = by
    row.save()
    return True
