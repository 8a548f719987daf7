"""`trackside tokens`"""

from pathlib import Path

import click

from trackside.cli.group import Problem
from trackside.cli.place import json_option, place_options
from trackside.cli.printing import ago_text, print_json, print_table
from trackside.cli.site import is_inside_a_project, site, who


@click.group()
def tokens() -> None:
    """Make, list and revoke the tokens that the API of the webhooks takes."""


@tokens.command()
@click.argument("name")
@click.option(
    "--user",
    metavar="USERNAME",
    help="Whose permissions count; the server's own administrator by default, in a Django project to be given.",
)
@json_option("Print one JSON object.")
@place_options
def create(
    config_file: Path | None, data_dir: str | None, name: str, user: str | None, *, as_json: bool
) -> None:
    """Make a token, which is printed, this once."""
    if user is None and is_inside_a_project():
        raise click.UsageError("want --user, whose permissions count")
    with site(config_file, data_dir):
        from trackside.console.views import ADMIN_NAME
        from trackside.django.webhooks import tokens as rows

        _, token = rows.create(name, username=ADMIN_NAME if user is None else user, by=who())
    if as_json:
        print_json({"name": name, "token": token})
    else:
        click.echo(f"token {name}, shown this once: {token}")


@tokens.command("list")
@json_option("Print one JSON object.")
@place_options
def list_(config_file: Path | None, data_dir: str | None, *, as_json: bool) -> None:
    """List the tokens there are; they themselves cannot be shown."""
    with site(config_file, data_dir):
        from trackside.django.webhooks import tokens as rows

        found = rows.listed()
    if as_json:
        print_json({"tokens": found})
    elif not found:
        click.echo("there are no tokens")
    else:
        print_table(
            ("token", "user", "made", "by", "last used"),
            (
                (
                    each.name,
                    each.user or "nobody",
                    ago_text(each.created_at),
                    each.created_by,
                    ago_text(each.last_used_at),
                )
                for each in found
            ),
        )


@tokens.command()
@click.argument("name")
@place_options
def revoke(config_file: Path | None, data_dir: str | None, name: str) -> None:
    """Let a token be good for nothing from now on."""
    with site(config_file, data_dir):
        from trackside.django.webhooks import tokens as rows

        if not rows.revoke(name):
            raise Problem(f"there is no token {name!r}")
    click.echo(f"{name} is revoked")
