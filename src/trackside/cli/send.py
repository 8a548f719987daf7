"""`trackside send`"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec

from trackside.cli.place import json_option, load, place_options
from trackside.cli.printing import console, print_json
from trackside.cli.sending import Call, NotSent, Sender, as_call, batches, call
from trackside.config.load import Loaded
from trackside.errors import ConfigurationError

_NAMED = frozenset({"track", "page", "screen"})


@click.command()
@click.argument("name", required=False)
@click.option(
    "--type",
    "kind",
    type=click.Choice(["track", "identify", "page", "screen", "group", "alias"]),
    default="track",
    show_default=True,
    help="Which call.",
)
@click.option("--user", metavar="ID", help="The user's id.")
@click.option("--anonymous", metavar="ID", help="The anonymous id; made up where there is no --user either.")
@click.option("--data", metavar="JSON", default="{}", help="What happened in detail, as a JSON object.")
@click.option("--context", metavar="JSON", default="{}", help="What was around it, as a JSON object.")
@click.option(
    "--file",
    "file",
    type=click.File("rb"),
    metavar="FILE",
    help="Send a file's lines instead, each a JSON object as Segment's libraries send it, or as"
    " `tail --json` prints it; - is the standard input.",
)
@click.option("--url", metavar="URL", help="The server; by default the configured one.")
@click.option(
    "--write-key", metavar="KEY", help="The source's key; by default that of the first one configured."
)
@click.option(
    "--batch",
    "batch_events",
    type=click.IntRange(1, 10_000),
    default=500,
    show_default=True,
    metavar="N",
    help="Most events in one request.",
)
@click.option(
    "--give-up-after",
    "give_up_s",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a server that is away or busy is waited for.",
)
@json_option("Print one JSON object.")
@place_options
def send(
    config_file: Path | None,
    data_dir: str | None,
    name: str | None,
    kind: str,
    user: str | None,
    anonymous: str | None,
    data: str,
    context: str,
    file: BinaryIO | None,
    url: str | None,
    write_key: str | None,
    batch_events: int,
    give_up_s: float,
    *,
    as_json: bool,
) -> None:
    """Send one event called NAME, or the lines of a file, to a server over HTTP.

    What is repeated because an answer was lost is stored once.
    """
    bad: list[str] = []
    lines = file if file is not None or name is not None or kind not in _NAMED else _standard_input()
    if lines is not None:
        calls: Iterable[Call] = _lines(lines, bad)
    else:
        calls = [call(kind, name, user, anonymous, _object("--data", data), _object("--context", context))]
    sender = _sender(config_file, data_dir, url, write_key, give_up_s)
    sent = _send_all(sender, calls, batch_events, quiet=as_json)
    _tell(sender, sent, bad, as_json=as_json)
    if bad:
        sys.exit(1)


def _standard_input() -> BinaryIO:
    if sys.stdin.isatty():
        raise click.UsageError("name an event, or a --file")
    return sys.stdin.buffer


def _tell(sender: Sender, sent: int, bad: list[str], *, as_json: bool) -> None:
    if as_json:
        counts = {"sent": sent, "requests": sender.requests, "retries": sender.retries}
        print_json({"url": sender.url, **counts, "bad_lines": bad})
        return
    click.echo(
        f"{sent:,} event{'s' if sent != 1 else ''} sent to {sender.url}; it answered that all is stored"
    )
    for problem in bad:
        click.echo(f"trackside: {problem}", err=True)


def _send_all(sender: Sender, calls: Iterable[Call], batch_events: int, *, quiet: bool) -> int:
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    sent = 0
    columns = (SpinnerColumn(), TextColumn("sent"), MofNCompleteColumn(), TextColumn("{task.description}"))
    terminal = console(stderr=True)
    hidden = quiet or not terminal.is_terminal
    with Progress(*columns, console=terminal, transient=True, disable=hidden) as progress:
        task = progress.add_task("", total=None)

        def tell(why: str) -> None:
            progress.update(task, description=why)
            if hidden and not quiet:
                click.echo(f"trackside: {why}", err=True)

        sender.on_wait = tell
        try:
            for batch in batches(calls, batch_events):
                sender.send(batch)
                sent += len(batch)
                progress.update(task, completed=sent, description="")
        except NotSent as error:
            raise click.ClickException(f"{error}; {sent:,} events were stored before") from error
    return sent


def _lines(file: BinaryIO, bad: list[str]) -> Iterator[Call]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            yield as_call(msgspec.json.decode(line, type=dict[str, Any]))
        except (msgspec.MsgspecError, RecursionError) as error:
            bad.append(f"line {number} is not a JSON object and was left out: {error}")


def _object(option: str, text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise click.UsageError(f"{option} is no JSON object: {error}") from error


def _sender(
    config_file: Path | None, data_dir: str | None, url: str | None, key: str | None, give_up_s: float
) -> Sender:
    loaded = load(config_file, data_dir) if url is None or key is None else None
    if loaded is not None:
        url = url or _configured_url(loaded)
        key = key or _configured_key(loaded)
    return Sender(url or "", key or "", give_up_s=give_up_s)


def _configured_url(loaded: Loaded) -> str:
    config = loaded.config
    if config.public_url:
        return config.public_url
    if config.port == 0:
        raise ConfigurationError("port is 0, any free one; say which server with --url")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(config.host, config.host)  # noqa: S104  # what to call, not to bind
    return f"http://[{host}]:{config.port}" if ":" in host else f"http://{host}:{config.port}"


def _configured_key(loaded: Loaded) -> str:
    for settings in loaded.config.sources.values():
        for key in getattr(settings, "write_keys", ()):
            return str(key)
    raise ConfigurationError("no source with a write key is configured; give one with --write-key")
