"""`trackside import-openedx-webhooks`"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trackside.cli.group import Problem
from trackside.cli.place import json_option, place_options
from trackside.cli.printing import plain, print_json
from trackside.cli.site import is_inside_a_project, site, who

if TYPE_CHECKING:
    from trackside.openedx.importing import Applied, Plan, Planned

_OUTCOMES = {
    "new": ("will be made", "is made"),
    "same": ("is here already", "is here already"),
    "different": (
        "is here, with other settings (--update takes the old ones)",
        "is here, with other settings",
    ),
    "impossible": ("cannot be imported", "is not imported"),
}


@click.command()
@click.option("--apply", "is_applied", is_flag=True, help="Do it; else it only says what it would do.")
@click.option("--update", is_flag=True, help="Change rows here that differ from the ones they were made of.")
@click.option(
    "--disable-old",
    is_flag=True,
    help="Disable there, in the same transaction, what takes its place here, so that nothing arrives twice.",
)
@click.option(
    "--database",
    default="default",
    show_default=True,
    metavar="ALIAS",
    help="The database of the Django project that has the tables of openedx-webhooks.",
)
@json_option("Print one JSON object.")
@place_options
def import_openedx_webhooks(
    config_file: Path | None,
    data_dir: str | None,
    database: str,
    *,
    is_applied: bool,
    update: bool,
    disable_old: bool,
    as_json: bool,
) -> None:
    """Take over the webhooks and webfilters of openedx-webhooks, whatever its version.

    Without --apply nothing is written: it says row by row what would be made and what will be different. Its receivers
    go on to get what they know. A second run finds the rows of the first.
    """
    if not is_inside_a_project():
        raise Problem(
            "the tables of openedx-webhooks are in the platform's database; run this there:"
            " ./manage.py lms trackside import-openedx-webhooks"
        )
    with site(config_file, data_dir):
        from trackside.openedx.importing import apply, make_plan

        plan = make_plan(database)
        done = apply(plan, by=who(), update=update, disable_old=disable_old) if is_applied else None
    if as_json:
        print_json(_object(plan, done))
    else:
        _print(plan, done, update=update, disable_old=disable_old)


def _object(plan: "Plan", done: "Applied | None") -> dict[str, Any]:
    from trackside.openedx.importing import notes

    return {
        "applied": done is not None,
        "made": done.made if done else 0,
        "updated": done.updated if done else 0,
        "disabled_there": done.disabled_there if done else 0,
        "of_webhooks": notes.OF_WEBHOOKS,
        "of_webfilters": notes.OF_WEBFILTERS,
        "rows": [
            {
                "kind": each.kind,
                "id": each.old.id,
                "event": each.old.event,
                "was_enabled": each.old.enabled,
                "name": each.name,
                "outcome": each.outcome,
                "enabled": each.works_here,
                "settings": _shown(each.settings),
                "here": _shown(each.changed),
                "notes": each.notes,
            }
            for each in plan.rows
        ],
    }


def _print(plan: "Plan", done: "Applied | None", *, update: bool, disable_old: bool) -> None:
    from trackside.openedx.importing import notes

    for kind, heading, of_all in (
        ("webhook", "Webhooks", notes.OF_WEBHOOKS),
        ("webfilter", "Webfilters", notes.OF_WEBFILTERS),
    ):
        rows = [each for each in plan.rows if each.kind == kind]
        if not rows:
            continue
        click.echo(f"{heading}: {len(rows):,}")
        for note in of_all:
            click.echo(f"  - {note.sentence}")
        for each in rows:
            _print_row(each, done is not None)
        click.echo()
    for line in _summary(plan, done, update=update, disable_old=disable_old):
        click.echo(line)


def _print_row(planned: "Planned", is_done: bool) -> None:
    from trackside.openedx.importing.notes import shown_url

    url = shown_url(planned.old.webhook_url)
    click.echo(f"\n  {planned.old.id}: {plain(planned.old.event)}, {plain(url)}")
    state = "enabled" if planned.works_here else "not enabled"
    suffix = f", {state}" if planned.row is not None else ""
    click.echo(f"    {planned.name} {_OUTCOMES[planned.outcome][is_done]}{suffix}")
    for what in ("events", "point", "format", "form_encoding"):
        if value := planned.settings.get(what):
            click.echo(f"      {what} = {plain(', '.join(value) if isinstance(value, list) else value)}")
    there = _shown(planned.settings)
    for name, here in _shown(planned.changed).items():
        click.echo(f"      {name} is {plain(repr(here))} here, {plain(repr(there[name]))} there")
    for note in planned.notes:
        click.echo(f"    - {plain(note.sentence)}")


def _summary(plan: "Plan", done: "Applied | None", *, update: bool, disable_old: bool) -> list[str]:
    if not plan.rows:
        return ["openedx-webhooks has no rows: there is nothing to import"]
    counts = {outcome: sum(each.outcome == outcome for each in plan.rows) for outcome in _OUTCOMES}
    if done is None:
        there = f"{counts['same']} here already, {counts['different']} with other settings"
        left = f"{counts['impossible']} that cannot be imported"
        return [f"{counts['new']} to make, {there}, {left}; nothing is changed, --apply does it"]
    told = [f"{done.made} made, {done.updated} updated, {counts['impossible']} not imported"]
    if disable_old:
        told.append(f"{done.disabled_there} disabled in openedx-webhooks")
    elif any(each.works_here and each.old.enabled for each in plan.rows):
        told.append("openedx-webhooks goes on to send what it sent: --disable-old ends that, or take it out")
    if counts["different"] and not update:
        told.append("what has other settings here stays as it is: --update takes the old ones")
    return told


def _shown(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings without what may be a key."""
    from trackside.openedx.importing.notes import shown_url

    return {
        name: shown_url(value) if name == "url" else value
        for name, value in settings.items()
        if name != "basic_password"
    }
