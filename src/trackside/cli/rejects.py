"""`trackside rejects`"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import click
import msgspec

from trackside.cli.place import json_option, load, opened_log, place_options
from trackside.cli.printing import plain, print_lines, print_table, time_text
from trackside.log.base import Log, StoredReject

_PAGE = 500
_SHOWN_BYTES = 60


@click.command()
@click.option("--source", metavar="NAME", help="Only those of one source.")
@click.option("--reason", metavar="WORD", help="Only those with this reason, such as unknown_user.")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="At most N; 20 by default, all with --json.",
)
@json_option("Print whole rejects, newest first, one JSON object a line; the body is text.")
@place_options
def rejects(
    config_file: Path | None,
    data_dir: str | None,
    source: str | None,
    reason: str | None,
    limit: int | None,
    *,
    as_json: bool,
) -> None:
    """Show what could not become an event, newest first, and why."""
    loaded = load(config_file, data_dir)
    with opened_log(loaded) as log:
        wanted = (
            each
            for each in _newest_first(log)
            if source in (None, each.reject.source) and reason in (None, each.reject.reason)
        )
        if as_json:
            print_lines(_as_object(each) for each in islice(wanted, limit))
            return
        shown = list(islice(wanted, limit or 20))
    if not shown:
        click.echo("there are no such rejects" if source or reason else "there are no rejects")
        return
    print_table(("received", "source", "reason", "why", "body"), map(_row, shown))


def _newest_first(log: Log) -> Iterator[StoredReject]:
    page = log.rejects(limit=_PAGE)
    while page:
        yield from page
        page = log.rejects(limit=_PAGE, before=page[-1].number)


def _row(stored: StoredReject) -> tuple[str, str, str, str, str]:
    reject = stored.reject
    body = reject.body[: _SHOWN_BYTES + 1].decode("utf-8", "replace")
    shown = body if len(reject.body) <= _SHOWN_BYTES else body[:_SHOWN_BYTES] + "…"
    return time_text(reject.received_at), reject.source or "-", reject.reason, reject.detail, plain(shown)


def _as_object(stored: StoredReject) -> dict[str, object]:
    told = msgspec.structs.asdict(stored.reject)
    return {"number": stored.number, **told, "body": stored.reject.body.decode("utf-8", "replace")}
