"""The reference pages that are made from the source."""

import inspect
from collections.abc import Iterator

import click

from trackside.cli.group import VERBS, cli

_HEAD = """\
# Command line

<!-- Made by `trackside config reference`; changes belong into the declarations in the source. -->

Errors are one line each on the standard error. The exit status is 0 where all went well, 2 where the
configuration or the command has to be changed, and 1 for everything else, where a verb does not say more.

A *moment* is a position in the log (`1200`), how long ago (`30s`, `10m`, `2h`, `3d`), or a date and time
(`2026-11-20T14:00`, in local time unless it ends in an offset).
"""


def pages() -> dict[str, str]:
    """Return the pages by file name."""
    from trackside import hub
    from trackside.config import reference as configuration
    from trackside.django.settings import reference as django_settings
    from trackside.openedx.filters import reference as openedx_filters
    from trackside.telemetry import reference as telemetry
    from trackside.webfilters import reference as webfilters

    return {
        "configuration.md": configuration.page(hub.SOURCE_KINDS, hub.DESTINATION_KINDS),
        "command-line.md": command_line(),
        "django-settings.md": django_settings.page(),
        "openedx-filters.md": openedx_filters.page(),
        "telemetry.md": telemetry.page(),
        "webfilter-hook.md": webfilters.page(),
    }


def command_line() -> str:
    """Return the page of the command line in Markdown."""
    with click.Context(cli, info_name="trackside") as root:
        parts = [_HEAD]
        for verb in VERBS:
            command = cli.get_command(root, verb)
            if command is not None:
                parts += _section(command, root, verb, 2)
        return "\n".join(parts)


def _section(command: click.Command, parent: click.Context, name: str, depth: int) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    usage = " ".join((context.command_path, *command.collect_usage_pieces(context)))
    yield f"{'#' * depth} `{context.command_path}`\n"
    yield f"```text\n{usage}\n```\n"
    yield f"{inspect.cleandoc(command.help or '')}\n"
    options = [param for param in command.params if isinstance(param, click.Option)]
    if options:
        yield "| option | |\n|---|---|\n" + "\n".join(map(_row, options)) + "\n"
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            inner = command.get_command(context, each)
            if inner is not None:
                yield from _section(inner, context, each, depth + 1)


def _row(option: click.Option) -> str:
    if isinstance(option.type, click.Choice):
        value = " " + "\\|".join(map(str, option.type.choices))
    else:
        value = "" if option.is_flag else f" {option.metavar}"
    notes = ["required"] if option.required else []
    notes += [f"default: {option.default}"] if option.show_default else []
    sentence = (option.help or "") + (f" ({', '.join(notes)})" if notes else "")
    return f"| `{', '.join(option.opts)}{value}` | {sentence} |"
