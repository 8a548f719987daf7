"""`trackside drain`"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click
from msgspec import Struct

from trackside.cli.pace import Speed, time_left_text
from trackside.cli.place import is_served, json_option, load, opened_log, place_options, subscription_of
from trackside.cli.printing import console, print_json
from trackside.cli.site import with_rows
from trackside.config.load import Loaded
from trackside.errors import ConfigurationError
from trackside.log.base import Log
from trackside.log.subscription import Subscription

sleep = time.sleep
monotonic = time.monotonic
_LOOK_EVERY_S = 0.25


class Left(Struct, frozen=True, kw_only=True):
    """What a destination still has to deal with of the events that were in the log at the beginning."""

    pending: int
    retrying: int
    problem: str | None
    """Why it will not become less by itself."""

    @property
    def count(self) -> int:
        """How many events that is."""
        return self.pending + self.retrying


@click.command()
@click.option(
    "--destination", "names", multiple=True, metavar="NAME", help="The destination; may be repeated."
)
@click.option("--all", "everything", is_flag=True, help="All destinations that are enabled.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0),
    metavar="S",
    help="Give up after so many seconds; else it waits as long as it takes.",
)
@json_option("Print one JSON object.")
@place_options
def drain(
    config_file: Path | None,
    data_dir: str | None,
    names: tuple[str, ...],
    timeout_s: float | None,
    *,
    everything: bool,
    as_json: bool,
) -> None:
    """Wait until a destination has dealt with every event that is in the log now.

    Exit status 1, with what is left, where that does not come: after the timeout, where it is paused, or where
    no server runs. Dead letters do not count; they wait for a decision.
    """
    if bool(names) == everything:
        raise click.UsageError("Give --destination NAME, or --all.")
    loaded = load(config_file, data_dir)
    with opened_log(loaded) as log:
        loaded = with_rows(loaded, log)
        chosen = [subscription_of(log, loaded, name) for name in names or _enabled(loaded, log)]
        left = _wait(log, loaded, chosen, timeout_s, quiet=as_json)
    if as_json:
        print_json({"drained": not any(each.count for each in left.values()), "destinations": left})
    else:
        for name, each in left.items():
            click.echo(_line(name, each))
    if any(each.count for each in left.values()):
        sys.exit(1)


def _enabled(loaded: Loaded, log: Log) -> list[str]:
    started = log.subscriptions()
    names = [name for name, each in loaded.config.destinations.items() if getattr(each, "enabled", True)]
    if not names:
        raise ConfigurationError("no destinations are configured and enabled; there is nothing to drain")
    return [name for name in names if name in started]


def _wait(
    log: Log, loaded: Loaded, subscriptions: Sequence[Subscription], timeout_s: float | None, *, quiet: bool
) -> dict[str, Left]:
    """Show how much is left until nothing is, or it will not become less; return what is left."""
    from rich.progress import Progress

    end, deadline = log.bounds().last, None if timeout_s is None else monotonic() + timeout_s
    terminal, speed = console(stderr=True), Speed(monotonic)
    first = sum(each.count for each in _left(loaded, subscriptions, end).values())
    with Progress(console=terminal, transient=True, disable=quiet or not terminal.is_terminal) as progress:
        task = progress.add_task("", total=first)
        while True:
            left = _left(loaded, subscriptions, end)
            count = sum(each.count for each in left.values())
            speed.note(-count)
            told = f"{count:,} left, {speed.per_s:,.0f}/s, {time_left_text(count, speed.per_s)}"
            progress.update(task, completed=max(0, first - count), description=told)
            late = deadline is not None and monotonic() >= deadline
            if late or all(not each.count or each.problem for each in left.values()):
                return left
            sleep(_LOOK_EVERY_S)


def _left(loaded: Loaded, subscriptions: Sequence[Subscription], end: int) -> dict[str, Left]:
    served = is_served(loaded)
    found = {}
    for subscription in subscriptions:
        state = subscription.state()
        oldest = subscription.oldest_waiting() if state.retrying else None
        problem = "it is paused" if state.paused else None
        if not served:
            problem = "no server runs on this data directory"
        found[subscription.name] = Left(
            pending=max(0, end - state.position),
            # what came later may wait for as long as it likes
            retrying=state.retrying if oldest is not None and oldest.position <= end else 0,
            problem=problem,
        )
    return found


def _line(name: str, left: Left) -> str:
    if not left.count:
        return f"{name}: nothing is left"
    text = f"{name}: {left.pending:,} pending and {left.retrying:,} retrying are left"
    return f"{text}; {left.problem}" if left.problem else text
