"""`trackside doctor`"""

from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from trackside.cli.doctor.finding import Finding, Level, error
from trackside.cli.place import json_option, load, place_options
from trackside.cli.printing import plain, print_json
from trackside.errors import ConfigurationError

_SIGNS = {"ok": ("ok", "green"), "warning": ("warning", "yellow"), "error": ("error", "red")}


@click.command()
@json_option("Print one JSON object.")
@place_options
@click.pass_context
def doctor(ctx: click.Context, config_file: Path | None, data_dir: str | None, *, as_json: bool) -> None:
    """Examine everything Trackside stands on; say what is wrong, why it matters, and what to do.

    Ends with 1 where there is an error. Changes nothing but a file for measuring, which it removes.
    """
    findings = list(examine(config_file, data_dir))
    worst: Level = max((each.level for each in findings), key=("ok", "warning", "error").index)
    if as_json:
        print_json({"worst": worst, "findings": [msgspec.structs.asdict(each) for each in findings]})
    else:
        for finding in findings:
            _print(finding)
    ctx.exit(1 if worst == "error" else 0)


def examine(config_file: Path | None, data_dir: str | None) -> Iterator[Finding]:
    """Return what every check finds; a wrong configuration ends the examination with its problems."""
    from trackside.cli.doctor.checks import CHECKS

    try:
        loaded = load(config_file, data_dir)
    except ConfigurationError as problems:
        for line in str(problems).splitlines():
            yield error(
                "configuration", line, "The server does not start with it.", "Change what the line names."
            )
        return
    for check in CHECKS:
        yield from check(loaded)


def _print(finding: Finding) -> None:
    word, colour = _SIGNS[finding.level]
    click.echo(f"{click.style(f'{word:8}', fg=colour)} {finding.check:14} {plain(finding.what)}")
    if finding.level != "ok":
        click.echo(f"{'':24}why: {finding.why}")
        click.echo(f"{'':24}fix: {finding.fix}")
