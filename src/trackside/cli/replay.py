"""`trackside replay`"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
from msgspec.structs import asdict

from trackside.cli.moment import Moment, Range, held_range
from trackside.cli.pace import Rate
from trackside.cli.place import json_option, load, opened_log, place_options, subscription_of
from trackside.cli.printing import ago_text, plain, print_json, print_lines, print_table
from trackside.cli.replaying import count, outcome_text, watch
from trackside.cli.site import with_rows
from trackside.config.load import Loaded
from trackside.errors import ConfigurationError
from trackside.log.base import Log
from trackside.log.subscription import Replay


@click.group(invoke_without_command=True)
@click.option("--destination", metavar="NAME", help="The destination's name (required).")
@click.option(
    "--since", type=Moment(), metavar="MOMENT", help="First event: a position, an age or a time (required)."
)
@click.option("--until", type=Moment(), metavar="MOMENT", help="Last event; the newest one by default.")
@click.option(
    "--name", "names", multiple=True, metavar="GLOB", help="Only events with such a name; may be repeated."
)
@click.option(
    "--rate",
    type=Rate(),
    metavar="N/s",
    help="Most events a second (50/s, 600/min, 5000/h); else as fast as the destination's own settings allow.",
)
@click.option("--dry-run", is_flag=True, help="Only say how many events it would be.")
@click.option("--detach", is_flag=True, help="Ask for it and return; the server does it.")
@json_option("Print one JSON object.")
@place_options
@click.pass_context
def replay(
    context: click.Context,
    config_file: Path | None,
    data_dir: str | None,
    destination: str | None,
    since: int | datetime | None,
    until: int | datetime | None,
    names: tuple[str, ...],
    rate: float | None,
    *,
    dry_run: bool,
    detach: bool,
    as_json: bool,
) -> None:
    """Send events again to one destination, beside what is new; each keeps its id.

    The request outlives restarts. Asked for twice while it is not finished, it is one; a new rate holds at once.
    """
    if context.invoked_subcommand is not None:
        return
    if destination is None or since is None:
        raise click.UsageError(f"Missing option '{'--since' if destination else '--destination'}'.")
    loaded = load(config_file, data_dir)
    with opened_log(loaded) as log:
        loaded = with_rows(loaded, log) if dry_run else loaded
        asked = held_range(log, since, until)
        told = _ask(
            log, loaded, destination, asked, names, rate, dry_run=dry_run, detach=detach, quiet=as_json
        )
    if as_json:
        print_json(told)
    else:
        _print(told)


def _ask(
    log: Log,
    loaded: Loaded,
    destination: str,
    asked: Range,
    names: tuple[str, ...],
    rate: float | None,
    *,
    dry_run: bool,
    detach: bool,
    quiet: bool,
) -> dict[str, object]:
    subscription = subscription_of(log, loaded, destination)
    first, last = asked.first, asked.last
    told: dict[str, object] = {
        "destination": destination,
        "first": first,
        "last": last,
        "events": 0,
        "state": "nothing to do",
        "gone": asked.gone,
    }
    if last < first:
        return told
    if dry_run:
        return {
            **told,
            "events": count(log, loaded, destination, asked.first, last, names),
            "state": "dry run",
        }
    number = subscription.request_replay(
        first, last, names=names, rate_per_s=rate or 0.0, now=datetime.now(UTC)
    )
    finished = None if detach else watch(subscription, number, loaded, quiet=quiet)
    told |= {"events": last - first + 1, "state": "requested", "number": number}
    if finished is not None:
        told["state"] = "cancelled" if finished.cancelled else "done"
        told |= {"sent": finished.redelivered, "given_up": finished.given_up, "reason": finished.reason}
        told["gone"] = asked.gone + finished.gone
    return told


def _print(told: dict[str, object]) -> None:
    name, first, last, events = told["destination"], told["first"], told["last"], told["events"]
    if told["gone"]:
        click.echo(f"{told['gone']:,} of these events are gone: retention removed them", err=True)
    if not events:
        click.echo(f"{name}: {told['state']}")
        return
    line = f"{name}: positions {first} to {last}, {events:,} events: {told['state']}"
    if told.get("given_up"):
        line += f"; {told['sent']:,} sent, {told['given_up']:,} given up, the last because: {plain(told['reason'])}"
    elif "sent" in told and told["sent"] != events:
        line += f"; {told['sent']:,} sent"
    click.echo(line)


@replay.command("list")
@click.option("--destination", metavar="NAME", help="Only those of one destination.")
@json_option("Print one JSON object a line.")
@place_options
def list_(config_file: Path | None, data_dir: str | None, destination: str | None, *, as_json: bool) -> None:
    """List the replays under way, and those that ended within the last days, with what they gave up."""
    loaded = load(config_file, data_dir)
    with opened_log(loaded) as log:
        if destination is not None:
            subscription_of(log, loaded, destination)
        found = list(_all(log, [destination] if destination else log.subscriptions()))
        for name in dict.fromkeys(name for name, each in found if each.given_up):
            log.subscription(name).note_replays_seen()
    if as_json:
        print_lines({"destination": name, **asdict(each)} for name, each in found)
        return
    if not found:
        click.echo("no replays")
        return
    print_table(
        ("number", "destination", "positions", "asked for", "state", "sent", "given up", "gone", "names"),
        (_row(name, each) for name, each in found),
    )
    for name, each in found:
        if each.given_up:
            click.echo(f"{each.number} to {name}: {outcome_text(each)}")


def _all(log: Log, names: list[str]) -> Iterator[tuple[str, Replay]]:
    for name in names:
        subscription = log.subscription(name)
        for each in sorted(subscription.replays() + subscription.finished_replays(), key=lambda r: r.number):
            yield name, each


def _row(name: str, each: Replay) -> tuple[object, ...]:
    done = min(1.0, (each.next - each.first) / (each.until - each.first + 1))
    state = f"{done:.0%}" + (f" at most {each.rate_per_s:g}/s" if each.rate_per_s else "")
    if each.finished_at is not None:
        state = f"{f'cancelled at {done:.0%}' if each.cancelled else 'done'} {ago_text(each.finished_at)}"
    return (
        each.number,
        name,
        f"{each.first} to {each.until}",
        ago_text(each.requested_at),
        state,
        each.redelivered,
        each.given_up,
        each.gone,
        ", ".join(each.names) or "all",
    )


@replay.command("cancel")
@click.argument("number", type=click.IntRange(min=1))
@json_option("Print one JSON object.")
@place_options
def cancel(config_file: Path | None, data_dir: str | None, number: int, *, as_json: bool) -> None:
    """End a replay where it is; its number is in `replay list`."""
    loaded = load(config_file, data_dir)
    with opened_log(loaded) as log:
        names = [
            name
            for name in log.subscriptions()
            if log.subscription(name).cancel_replay(number, now=datetime.now(UTC))
        ]
    if not names:
        raise ConfigurationError(f"there is no replay {number} under way; see `trackside replay list`")
    if as_json:
        print_json({"number": number, "destination": names[0], "state": "cancelled"})
    else:
        click.echo(f"{names[0]}: replay {number} is cancelled")
