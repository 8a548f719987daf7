"""What a replay would send, and how far one is."""

import time
from collections.abc import Iterator

import click

from trackside.cli.pace import Speed, time_left_text
from trackside.cli.place import is_served
from trackside.cli.printing import console, plain
from trackside.config.load import Loaded
from trackside.event import NameFilter
from trackside.log.base import Log
from trackside.log.subscription import Replay, Subscription

sleep = time.sleep
_LOOK_EVERY_S = 0.25
_PAGE = 2_000


def count(log: Log, loaded: Loaded, destination: str, first: int, last: int, names: tuple[str, ...]) -> int:
    """Return how many events of these positions have one of the names, and are for the destination."""
    settings = loaded.config.destinations.get(destination)
    own, asked = NameFilter(getattr(settings, "events", ("*",))), NameFilter(names or ("*",))
    found, after = 0, first - 1
    while after < last:
        page = log.read(after, limit=_PAGE, names=asked)
        if page.through <= after:
            break
        for position, event in zip(page.positions, page.events, strict=True):
            found += position <= last and own.matches(event.name)
        after = page.through
    return found


def watch(subscription: Subscription, number: int, loaded: Loaded, *, quiet: bool) -> Replay | None:
    """Show how far the replay is; return it once it is finished, None where nobody works on it."""
    from rich.markup import escape
    from rich.progress import Progress

    terminal = console(stderr=True)
    speed = Speed()
    with Progress(console=terminal, transient=True, disable=quiet or not terminal.is_terminal) as progress:
        task = progress.add_task("")
        for step in _steps(subscription, number):
            speed.note(step.next)
            total = step.until - step.first + 1
            progress.update(
                task,
                total=total,
                completed=step.next - step.first,
                # reasons come from outside, and what is in brackets would be markup
                description=escape(f"to {subscription.name}: {_progress_text(step, speed.per_s)}"),
            )
            if not is_served(loaded):
                click.echo(
                    "no server runs on this data directory; it starts with the next `trackside serve`",
                    err=True,
                )
                return None
            if subscription.state().paused:
                click.echo(f"{subscription.name} is paused; it starts with `trackside resume`", err=True)
                return None
            sleep(_LOOK_EVERY_S)
    return next((each for each in subscription.finished_replays() if each.number == number), None)


def _steps(subscription: Subscription, number: int) -> Iterator[Replay]:
    while step := next((each for each in subscription.replays() if each.number == number), None):
        yield step


def _progress_text(step: Replay, per_s: float) -> str:
    looked_at, left = step.next - step.first, step.until - step.next + 1
    parts = [f"{looked_at:,} of {step.until - step.first + 1:,} looked at", outcome_text(step)]
    return ", ".join([*parts, f"{per_s:,.0f}/s", time_left_text(left, per_s)])


def outcome_text(replay: Replay) -> str:
    """Return what became of the events so far: `3,000 sent, 2 given up, the last because: 413`."""
    text = f"{replay.redelivered:,} sent"
    if replay.gone:
        text += f", {replay.gone:,} gone"
    if replay.given_up:
        text += f", {replay.given_up:,} given up, the last because: {plain(replay.reason)}"
    return text
