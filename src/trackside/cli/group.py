"""The group of verbs; a verb's module is loaded when the verb is used."""

import importlib
import sys
from collections.abc import Mapping

import click

from trackside.errors import ConfigurationError, TracksideError

VERBS: Mapping[str, str] = {
    "serve": "trackside.cli.serve",
    "send": "trackside.cli.send",
    "forward": "trackside.cli.forward",
    "tail": "trackside.cli.tail",
    "export": "trackside.cli.export",
    "status": "trackside.cli.status",
    "rejects": "trackside.cli.rejects",
    "pause": "trackside.cli.pause",
    "resume": "trackside.cli.pause",
    "replay": "trackside.cli.replay",
    "drain": "trackside.cli.drain",
    "dead-letters": "trackside.cli.dead_letters",
    "attempts": "trackside.cli.attempts",
    "users": "trackside.cli.users",
    "forget": "trackside.cli.forget",
    "webhooks": "trackside.cli.webhooks",
    "tokens": "trackside.cli.tokens",
    "import-openedx-webhooks": "trackside.cli.import_openedx_webhooks",
    "doctor": "trackside.cli.doctor",
    "config": "trackside.cli.config",
}
"""Verb → the module that has it, under the verb's name with underscores."""


class Problem(click.ClickException):
    """What went wrong, one line for each thing to do about it, on stderr."""

    def show(self, file: object = None) -> None:  # noqa: ARG002  # errors go to stderr, wherever the rest goes
        """Print the problem."""
        for line in self.message.splitlines():
            click.echo(f"trackside: {line}", file=sys.stderr)


class WrongConfiguration(Problem):
    """What has to be configured otherwise."""

    exit_code = 2


class Verbs(click.Group):
    """A group whose commands are imported on use, and whose errors are lines instead of tracebacks."""

    verbs: Mapping[str, str] = VERBS
    """Verb → the module that has it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the verbs in the order a newcomer needs them."""
        return list(self.verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return the verb's command, or None where there is no such verb."""
        if cmd_name not in self.verbs:
            return None
        command: click.Command = getattr(
            importlib.import_module(self.verbs[cmd_name]), cmd_name.replace("-", "_")
        )
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run the verb; an error made for people is told to them."""
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            raise WrongConfiguration(str(error)) from error
        except TracksideError as error:
            raise Problem(str(error)) from error


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from trackside import hub

        click.echo(f"trackside {hub.version()}")
        ctx.exit()


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Print the version and exit.",
)
def cli() -> None:
    """Take in events, keep them durably, send them on."""


def group_of(verbs: Mapping[str, str]) -> Verbs:
    """Return the same group with other verbs: verb → the module that has it."""
    group = Verbs(
        name=cli.name,
        params=cli.params,
        help=cli.help,
        context_settings=cli.context_settings,
        callback=cli.callback,
    )
    group.verbs = verbs
    return group
