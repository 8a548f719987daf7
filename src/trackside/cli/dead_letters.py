"""`trackside dead-letters`"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from trackside.cli.place import (
    destination_option,
    json_option,
    load,
    opened_log,
    place_options,
    subscription_of,
)
from trackside.cli.printing import event_with_position, print_json, print_lines, print_table, time_text
from trackside.log.subscription import DeadLetter, Subscription

_PAGE = 500

_positions = click.argument("positions", nargs=-1, type=click.IntRange(min=1))
_all = click.option("--all", "everything", is_flag=True, help="All dead letters of the destination.")


@click.group()
def dead_letters() -> None:
    """See, send again or give up what a destination did not take."""


@dead_letters.command("list")
@destination_option
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="At most N; 100 by default, all with --json.",
)
@json_option("Print whole dead letters with their events, one JSON object a line.")
@place_options
def list_(
    config_file: Path | None, data_dir: str | None, destination: str, limit: int | None, *, as_json: bool
) -> None:
    """List dead letters in order of position."""
    loaded = load(config_file, data_dir)
    with opened_log(loaded) as log:
        subscription = subscription_of(log, loaded, destination)
        if as_json:
            for page in _pages(subscription, limit):
                print_lines(_as_object(letter) for letter in page)
            return
        shown = [letter for page in _pages(subscription, limit or 100) for letter in page]
        dead = subscription.state().dead
    if not shown:
        click.echo(f"{destination} has no dead letters")
        return
    print_table(
        ("position", "event", "id", "attempts", "died", "reason"),
        (
            (
                str(each.position),
                each.event.name,
                each.event.id,
                each.attempts,
                time_text(each.died_at),
                each.reason,
            )
            for each in shown
        ),
    )
    if dead > len(shown):
        click.echo(f"{len(shown)} of {dead:,} dead letters; more with --limit")


@dead_letters.command()
@_positions
@destination_option
@_all
@json_option("Print one JSON object.")
@place_options
def retry(
    config_file: Path | None,
    data_dir: str | None,
    destination: str,
    positions: tuple[int, ...],
    *,
    everything: bool,
    as_json: bool,
) -> None:
    """Try dead letters again, by position or --all; their attempts are forgotten."""
    chosen = _chosen(positions, everything=everything)
    loaded = load(config_file, data_dir)
    with opened_log(loaded) as log:
        count = subscription_of(log, loaded, destination).retry_dead(chosen, now=datetime.now(UTC))
    if as_json:
        print_json({"destination": destination, "retried": count})
    else:
        click.echo(f"{count:,} dead letters of {destination} are tried again")


@dead_letters.command()
@_positions
@destination_option
@_all
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option("Print one JSON object; does not ask.")
@place_options
def discard(
    config_file: Path | None,
    data_dir: str | None,
    destination: str,
    positions: tuple[int, ...],
    *,
    everything: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Give dead letters up for good, by position or --all; the events stay in the log."""
    chosen = _chosen(positions, everything=everything)
    loaded = load(config_file, data_dir)
    with opened_log(loaded) as log:
        subscription = subscription_of(log, loaded, destination)
        count = subscription.state().dead if chosen is None else len(chosen)
        if not (yes or as_json):
            click.confirm(f"Give up {count:,} dead letters of {destination} for good?", abort=True)
        count = subscription.discard_dead(chosen)
    if as_json:
        print_json({"destination": destination, "discarded": count})
    else:
        click.echo(f"{count:,} dead letters of {destination} are given up")


def _chosen(positions: tuple[int, ...], *, everything: bool) -> tuple[int, ...] | None:
    if everything == bool(positions):
        raise click.UsageError("name positions, or --all")
    return None if everything else positions


def _pages(subscription: Subscription, limit: int | None) -> Iterator[list[DeadLetter]]:
    left, after = limit, 0
    while left is None or left > 0:
        page = subscription.dead_letters(limit=min(_PAGE, left or _PAGE), after=after)
        if not page:
            return
        yield page
        after = page[-1].position
        left = None if left is None else left - len(page)


def _as_object(letter: DeadLetter) -> dict[str, object]:
    told = msgspec.structs.asdict(letter)
    return {**told, "event": event_with_position(letter.position, letter.event)}
