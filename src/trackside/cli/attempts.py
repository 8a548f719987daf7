"""`trackside attempts`"""

import contextlib
from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from itertools import islice
from pathlib import Path

import click
import msgspec

from trackside.attempts.base import STATUS_CLASSES, Attempt, AttemptStore, Query, StatusClass, StoredAttempt
from trackside.cli.moment import Moment
from trackside.cli.place import json_option, load, opened_log, place_options
from trackside.cli.printing import plain, print_json, print_lines, print_table, time_text
from trackside.config.load import Loaded
from trackside.errors import ConfigurationError, TracksideError

_PAGE = 200


@click.group()
def attempts() -> None:
    """See what webhooks sent, and what they were answered."""


@attempts.command("list")
@click.option("--destination", metavar="NAME", help="Only those of one destination.")
@click.option("--event", "event_id", metavar="ID", help="Only those of the event with this id.")
@click.option(
    "--position",
    type=click.IntRange(min=1),
    metavar="N",
    help="Only those of the event at this position of the log.",
)
@click.option("--failed", is_flag=True, help="Only those that did not deliver.")
@click.option(
    "--status",
    type=click.Choice(STATUS_CLASSES),
    help="Only those answered so; none: with no answer at all.",
)
@click.option("--since", type=Moment(), metavar="TIME", help="Only those that began then or later.")
@click.option("--until", type=Moment(), metavar="TIME", help="Only those that began before.")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="At most N; 20 by default, all with --json.",
)
@json_option("Print whole attempts, newest first, one JSON object a line.")
@place_options
def list_(
    config_file: Path | None,
    data_dir: str | None,
    destination: str | None,
    event_id: str | None,
    position: int | None,
    status: StatusClass | None,
    since: int | datetime | None,
    until: int | datetime | None,
    limit: int | None,
    *,
    failed: bool,
    as_json: bool,
) -> None:
    """List attempts, newest first."""
    query = Query(
        destination=destination,
        failed=failed,
        status=status,
        event_id=event_id,
        position=position,
        since=_time("since", since),
        until=_time("until", until),
    )
    with _opened(load(config_file, data_dir)) as store:
        found = _newest_first(store, query)
        if as_json:
            for page in iter(lambda: list(islice(found, _PAGE if limit is None else limit)), []):
                print_lines(_as_object(each) for each in page)
                if limit is not None:
                    return
            return
        shown = list(islice(found, limit or 20))
    if not shown:
        click.echo("there are no such attempts" if query != Query() else "there are no attempts")
        return
    headings = ("number", "began", "destination", "event", "id", "attempt", "answer", "took", "why")
    print_table(headings, map(_row, shown))


@attempts.command()
@click.argument("number", type=click.IntRange(min=1))
@json_option("Print one JSON object.")
@place_options
def show(config_file: Path | None, data_dir: str | None, number: int, *, as_json: bool) -> None:
    """Show one attempt: the request and the answer as they were, and when the event is tried next."""
    loaded = load(config_file, data_dir)
    with _opened(loaded) as store:
        attempt = store.find(number)
    if attempt is None:
        raise TracksideError(
            f"there is no attempt {number}; it was removed, or never made: see `trackside attempts list`"
        )
    next_at = _next_at(loaded, attempt)
    if as_json:
        print_json({**_as_object(StoredAttempt(number, attempt)), "next_attempt_at": next_at})
    else:
        click.echo("\n".join(_lines(number, attempt, next_at)))


def _time(option: str, moment: int | datetime | None) -> datetime | None:
    if isinstance(moment, int):
        raise click.UsageError(
            f"--{option} wants a time, not a position: how long ago (10m), or a date and time"
        )
    return moment


@contextlib.contextmanager
def _opened(loaded: Loaded) -> Iterator[AttemptStore]:
    from trackside import hub

    store = hub.kept_attempts(loaded.config)
    if store is None:
        raise ConfigurationError(
            f"{loaded.config.data_dir} holds no attempts; they are kept once a webhook has sent something"
            " while attempts.keep_s is not 0"
        )
    try:
        yield store
    finally:
        store.close()


def _newest_first(store: AttemptStore, query: Query) -> Iterator[StoredAttempt]:
    page = store.page(query, limit=_PAGE)
    yield from page.attempts
    while page.before is not None:
        page = store.page(query, before=page.before, limit=_PAGE)
        yield from page.attempts


def _next_at(loaded: Loaded, attempt: Attempt) -> datetime | None:
    """Return when the event is tried next at this destination; None where it does not wait."""
    with opened_log(loaded) as log:
        if attempt.destination not in log.subscriptions():
            return None
        waiting = log.subscription(attempt.destination).waiting_at([attempt.position])
    return waiting[0].due_at if waiting else None


def _answer(attempt: Attempt) -> str:
    return str(attempt.status or attempt.fault or attempt.outcome)


def _row(stored: StoredAttempt) -> tuple[object, ...]:
    each = stored.attempt
    return (
        str(stored.id),
        time_text(each.began_at),
        each.destination,
        each.event_name,
        each.event_id,
        each.number,
        _answer(each),
        f"{each.duration_s:.3f} s",
        each.reason or "",
    )


def _lines(number: int, attempt: Attempt, next_at: datetime | None) -> Iterator[str]:
    facts = {
        "attempt": f"{number}, the event's {attempt.number}. at {attempt.destination}",
        "event": f"{attempt.event_name}, id {attempt.event_id}, position {attempt.position}",
        "began": f"{time_text(attempt.began_at)}, took {attempt.duration_s:.3f} s",
        "outcome": attempt.outcome + (f": {attempt.reason}" if attempt.reason else ""),
        "next": time_text(next_at) if next_at else "it does not wait for another attempt",
    }
    yield from (f"{name:8} {plain(text)}" for name, text in facts.items())
    yield f"\n> {plain(attempt.method)} {plain(attempt.url)}"
    yield from (f"> {plain(name)}: {plain(value)}" for name, value in attempt.request_headers)
    yield from _body(attempt.request_body, attempt.request_bytes, more=False)
    if attempt.status is None:
        yield f"\n< no answer{f': {attempt.fault}' if attempt.fault else ''}"
        return
    yield f"\n< {attempt.status} {_phrase(attempt.status)}".rstrip()
    yield from (f"< {plain(name)}: {plain(value)}" for name, value in attempt.response_headers)
    yield from _body(attempt.response_body, attempt.response_bytes, more=attempt.truncated)


def _body(body: bytes, length: int, *, more: bool) -> Iterator[str]:
    if body:
        yield ""
        yield from map(plain, body.decode("utf-8", "replace").splitlines())
    if length > len(body):
        yield f"[{length - len(body):,} of {length:,} bytes are not kept]"
    if more:
        yield "[there was more of it, which was not read]"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _as_object(stored: StoredAttempt) -> dict[str, object]:
    told = msgspec.structs.asdict(stored.attempt)
    for name in ("request_body", "response_body"):
        body: bytes = told.pop(name)
        try:
            told[name] = body.decode()
        except UnicodeDecodeError:
            told[f"{name}_base64"] = b64encode(body).decode()
    return {"id": stored.id, **told}
