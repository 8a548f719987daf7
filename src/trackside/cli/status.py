"""`trackside status`"""

from datetime import datetime
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec import Struct

from trackside.cli.place import is_served, json_option, load, opened_log, place_options
from trackside.cli.printing import ago_text, print_json, print_table, size_text
from trackside.cli.site import with_rows
from trackside.config.load import Loaded
from trackside.log.base import Bounds, Log, LogStats
from trackside.log.pending import oldest_pending_at
from trackside.log.subscription import SubscriptionState


class DestinationStatus(Struct, frozen=True, kw_only=True):
    """Where one destination stands: accepted = delivered + filtered + pending + retrying + dead."""

    state: str
    """running, waiting (it takes nothing now), paused, stopped (nobody delivers), disabled or removed."""
    position: int
    accepted: int
    delivered: int
    filtered: int
    pending: int
    retrying: int
    dead: int
    redelivered: int
    oldest_pending_at: datetime | None
    """When the oldest event was received that is not tried yet or waits for another try."""
    replays_given_up: int
    """Events that finished replays gave up, until `trackside replay list` has shown it."""
    failing_since: datetime | None
    last_error: str | None
    last_delivered_at: datetime | None


@click.command()
@json_option("Print one JSON object.")
@place_options
def status(config_file: Path | None, data_dir: str | None, *, as_json: bool) -> None:
    """Show what the log holds and where each destination stands."""
    loaded = load(config_file, data_dir)
    with opened_log(loaded) as log:
        destinations = destination_statuses(loaded, log)
        bounds, stats = log.bounds(), log.stats()
    if as_json:
        print_json({"log": log_status(bounds, stats), "destinations": destinations})
    else:
        _print(bounds, stats, destinations)


def log_status(bounds: Bounds, stats: LogStats) -> dict[str, Any]:
    """Return what is told of the log."""
    return {**msgspec.structs.asdict(bounds), **msgspec.structs.asdict(stats)}


def destination_statuses(loaded: Loaded, log: Log) -> dict[str, DestinationStatus]:
    """Return where each destination stands, those configured first; the destinations are not asked."""
    loaded, served = with_rows(loaded, log), is_served(loaded)
    started = log.subscriptions()
    statuses: dict[str, DestinationStatus] = {}
    for name in dict.fromkeys([*loaded.config.destinations, *started]):
        # the state before the log's end: what arrives in between is pending, never less than nothing
        state = log.subscription(name).state() if name in started else None
        settings = loaded.config.destinations.get(name)
        word = _word(settings, state, served=served)
        known, last = state or _unstarted(name, settings, log), log.bounds().last
        found = _status(word, known, last, oldest_pending_at(log, known, last))
        given_up = _given_up(log, name) if name in started else 0
        statuses[name] = msgspec.structs.replace(found, replays_given_up=given_up)
    return statuses


def _given_up(log: Log, name: str) -> int:
    replays = log.subscription(name).finished_replays()
    return sum(each.given_up for each in replays if not each.seen)


def _word(settings: Any, state: SubscriptionState | None, *, served: bool) -> str:
    if settings is None:
        return "removed"
    if not getattr(settings, "enabled", True):
        return "disabled"
    if state is not None and state.paused:
        return "paused"
    if not served or state is None:
        return "stopped"
    return "waiting" if state.failing_since else "running"


def _unstarted(name: str, settings: Any, log: Log) -> SubscriptionState:
    bounds = log.bounds()
    start = bounds.last if getattr(settings, "start", "earliest") == "latest" else max(0, bounds.first - 1)
    return SubscriptionState(name=name, start=start, position=start)


def _status(word: str, state: SubscriptionState, last: int, oldest_at: datetime | None) -> DestinationStatus:
    return DestinationStatus(
        state=word,
        position=state.position,
        accepted=max(last, state.position) - state.start,
        delivered=state.delivered,
        filtered=state.filtered,
        pending=max(last, state.position) - state.position,
        retrying=state.retrying,
        dead=state.dead,
        redelivered=state.redelivered,
        oldest_pending_at=oldest_at,
        replays_given_up=0,
        failing_since=state.failing_since,
        last_error=state.last_error if state.failing_since else None,
        last_delivered_at=state.last_delivered_at,
    )


def _print(bounds: Bounds, stats: LogStats, destinations: dict[str, DestinationStatus]) -> None:
    held = f"{bounds.events:,} events" + (f" ({bounds.first:,} to {bounds.last:,})" if bounds.events else "")
    times = stats.event_bytes / stats.size_bytes if stats.size_bytes else 0.0
    ratio = f", {times:.1f} times smaller than their JSON" if times >= 1 else ""
    click.echo(f"log: {held}, {size_text(stats.size_bytes)} on disk{ratio}; {stats.rejects:,} rejects kept")
    if not destinations:
        click.echo("no destinations are configured")
        return
    columns = ("position", "delivered", "filtered", "pending", "retrying", "dead")
    print_table(
        ("destination", "state", *columns, "oldest pending", "last delivery"),
        (
            (
                name,
                each.state,
                *(getattr(each, column) for column in columns),
                ago_text(each.oldest_pending_at) if each.oldest_pending_at else "none",
                ago_text(each.last_delivered_at),
            )
            for name, each in destinations.items()
        ),
    )
    for name, each in destinations.items():
        if each.last_error:
            click.echo(f"{name} takes nothing since {ago_text(each.failing_since)}: {each.last_error}")
        if each.replays_given_up:
            click.echo(
                f"{name}: replays gave up {each.replays_given_up:,} events; see `trackside replay list`"
            )
