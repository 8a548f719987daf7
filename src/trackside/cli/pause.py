"""`trackside pause` and `trackside resume`"""

from pathlib import Path

import click

from trackside.cli.place import (
    destination_option,
    json_option,
    load,
    opened_log,
    place_options,
    subscription_of,
)
from trackside.cli.printing import print_json


@click.command()
@destination_option
@json_option("Print one JSON object.")
@place_options
def pause(config_file: Path | None, data_dir: str | None, destination: str, *, as_json: bool) -> None:
    """Let a destination rest: its events stay in the log until `resume`."""
    _set(config_file, data_dir, destination, paused=True, as_json=as_json)


@click.command()
@destination_option
@json_option("Print one JSON object.")
@place_options
def resume(config_file: Path | None, data_dir: str | None, destination: str, *, as_json: bool) -> None:
    """Let a paused destination go on where it stopped."""
    _set(config_file, data_dir, destination, paused=False, as_json=as_json)


def _set(
    config_file: Path | None, data_dir: str | None, destination: str, *, paused: bool, as_json: bool
) -> None:
    loaded = load(config_file, data_dir)
    with opened_log(loaded) as log:
        subscription_of(log, loaded, destination).pause(paused)
    if as_json:
        print_json({"destination": destination, "paused": paused})
    else:
        click.echo(f"{destination} is paused" if paused else f"{destination} goes on")
