"""`manage.py trackside relay`"""

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click
import msgspec
from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from trackside.django.outbox.locks import transaction_on
from trackside.django.outbox.relay import Relay, Step
from trackside.django.outbox.relay_thread import follow
from trackside.django.outbox.rows import take_back
from trackside.django.outbox.settings import current
from trackside.django.outbox.status import OutboxStatus, outbox_status
from trackside.django.tracker import begin_forwarding
from trackside.errors import StorageError

BUSY_S = 30.0
_LOOK_EVERY_S = 0.1


@click.command()
@click.option("--once", is_flag=True, help="Move what waits now, then exit; so it is without --follow.")
@click.option("--follow", "following", is_flag=True, help="Go on moving what comes, until it is stopped.")
@click.option(
    "--interval-s",
    type=click.FloatRange(0.05, 3_600),
    default=0.5,
    show_default=True,
    help="How often --follow looks.",
)
@click.option("--retry", is_flag=True, help="First let events that were set aside wait again.")
@click.option("--status", "only_status", is_flag=True, help="Only print the numbers.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def relay(
    *, once: bool, following: bool, interval_s: float, retry: bool, only_status: bool, as_json: bool
) -> None:
    """Move the events of committed transactions from the outbox to their backends.

    Exits with 1 where some did not get through. Several may run; one at a time works.
    """
    if following and (once or only_status):
        raise click.UsageError("--follow goes with neither --once nor --status")
    with _own_connection() as connection:
        if retry:
            with transaction_on(connection):
                take_back(connection)
        step = Step() if only_status or following else _drain(connection)
        status = outbox_status(connection)
    if not following:
        _print(step, status, as_json=as_json)
        if step.left or step.busy:
            raise click.exceptions.Exit(1)
        return
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    begin_forwarding()
    follow(current(), interval_s=interval_s, wait=stopped.wait)


@contextmanager
def _own_connection() -> Iterator[BaseDatabaseWrapper]:
    """Lend a connection that no backend uses. Raises StorageError where the database cannot be used."""
    connection = connections[current().database].copy()
    try:
        yield connection
    except Error as error:
        raise StorageError(f"the outbox in {connection.alias!r} cannot be used: {error}") from error
    finally:
        connection.close()


def _drain(connection: BaseDatabaseWrapper) -> Step:
    """Move all that waits; where another relay is at work, take turns with it for a while."""
    pause = threading.Event()
    total = Step()
    for _ in range(int(BUSY_S / _LOOK_EVERY_S)):
        total += Relay(connection, current()).drain()
        if not total.busy:
            break
        pause.wait(_LOOK_EVERY_S)
    return total


def _print(step: Step, status: OutboxStatus, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"moved": step.moved, **msgspec.to_builtins(status)}))
        return
    age = f", the oldest for {status.oldest_s:,.1f} s" if status.waiting else ""
    click.echo(
        f"{step.moved:,} moved; {status.waiting:,} waiting{age}; {status.set_aside:,} set aside"
        + ("; another relay is at work" if step.busy else "")
    )
