"""`trackside replay`"""

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click

from trackside.cli.moment import Moment, first_position, last_position
from trackside.cli.place import (
    destination_option,
    is_served,
    json_option,
    load,
    opened_log,
    place_options,
    subscription_of,
)
from trackside.cli.printing import console, print_json
from trackside.config.load import Loaded
from trackside.event import NameFilter
from trackside.log.base import Log, Replay, Subscription

sleep = time.sleep
_LOOK_EVERY_S = 0.25
_PAGE = 2_000


@click.command()
@destination_option
@click.option(
    "--since",
    type=Moment(),
    required=True,
    metavar="MOMENT",
    help="First event: a position, an age or a time.",
)
@click.option("--until", type=Moment(), metavar="MOMENT", help="Last event; the newest one by default.")
@click.option("--dry-run", is_flag=True, help="Only say how many events it would be.")
@click.option("--detach", is_flag=True, help="Ask for it and return; the server does it.")
@json_option("Print one JSON object.")
@place_options
def replay(
    config_file: Path | None,
    data_dir: str | None,
    destination: str,
    since: int | datetime,
    until: int | datetime | None,
    *,
    dry_run: bool,
    detach: bool,
    as_json: bool,
) -> None:
    """Send events again to one destination, beside what is new; each keeps its id."""
    loaded = load(config_file, data_dir)
    with opened_log(loaded) as log:
        subscription = subscription_of(log, loaded, destination)
        first, last = first_position(log, since), last_position(log, until)
        first = max(first, log.bounds().first)
        if last < first:
            count, state = 0, "nothing to do"
        elif dry_run:
            count, state = _count(log, loaded, destination, first, last), "dry run"
        else:
            number = subscription.request_replay(first, last)
            finished = not detach and _watch(subscription, number, first, last, loaded, quiet=as_json)
            count, state = last - first + 1, "done" if finished else "requested"
    if as_json:
        print_json(
            {"destination": destination, "first": first, "last": last, "events": count, "state": state}
        )
    else:
        click.echo(
            f"{destination}: positions {first} to {last}, {count:,} events: {state}"
            if count
            else f"{destination}: {state}"
        )


def _count(log: Log, loaded: Loaded, destination: str, first: int, last: int) -> int:
    settings = loaded.config.destinations.get(destination)
    names = NameFilter(getattr(settings, "events", ("*",)))
    count, after = 0, first - 1
    while after < last:
        page = log.read(after, limit=_PAGE, names=names)
        if page.through <= after:
            break
        count += sum(position <= last for position in page.positions)
        after = page.through
    return count


def _watch(
    subscription: Subscription, number: int, first: int, last: int, loaded: Loaded, *, quiet: bool
) -> bool:
    """Show how far the replay is; return whether it was finished, False where nobody works on it."""
    from rich.progress import Progress

    terminal = console(stderr=True)
    with Progress(console=terminal, transient=True, disable=quiet or not terminal.is_terminal) as progress:
        task = progress.add_task(f"to {subscription.name}", total=last - first + 1)
        for step in _steps(subscription, number):
            progress.update(task, completed=step.next - first)
            if not is_served(loaded):
                click.echo(
                    "no server runs on this data directory; it starts with the next `trackside serve`",
                    err=True,
                )
                return False
            if subscription.state().paused:
                click.echo(f"{subscription.name} is paused; it starts with `trackside resume`", err=True)
                return False
            sleep(_LOOK_EVERY_S)
    return True


def _steps(subscription: Subscription, number: int) -> Iterator[Replay]:
    while step := next((each for each in subscription.replays() if each.number == number), None):
        yield step
