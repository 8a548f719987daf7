"""`trackside config`"""

from pathlib import Path

import click

from trackside.cli.place import json_option, load, place_options
from trackside.cli.printing import plain, print_json, print_table
from trackside.config.declarations import Setting, toml_text
from trackside.config.load import Loaded


@click.group(invoke_without_command=True)
@json_option("Print one JSON object.")
@place_options
@click.pass_context
def config(ctx: click.Context, config_file: Path | None, data_dir: str | None, *, as_json: bool) -> None:
    """Show what is in effect, and where each value comes from; keys and secrets are not shown."""
    if ctx.invoked_subcommand is not None:
        return
    loaded = load(config_file, data_dir)
    if as_json:
        settings = {
            key: {"value": _shown(setting, value_of(loaded, key)), "origin": loaded.origin[key]}
            for key, setting in loaded.settings.items()
        }
        print_json({"file": loaded.path and str(loaded.path), "settings": settings})
        return
    click.echo(f"file: {loaded.path or 'none'}")
    print_table(
        ("setting", "value", "from"),
        (
            (key, plain(toml_text(_shown(setting, value_of(loaded, key)))), loaded.origin[key])
            for key, setting in loaded.settings.items()
        ),
    )


@config.command()
@click.option(
    "--write",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="FOLDER",
    help="Write the pages configuration.md, command-line.md, django-settings.md and telemetry.md there.",
)
def reference(folder: Path | None) -> None:
    """Print the reference of all settings in Markdown, or write all reference pages made from the source."""
    from trackside.cli.reference import pages

    made = pages()
    if folder is None:
        click.echo(made["configuration.md"], nl=False)
        return
    for name, content in made.items():
        (folder / name).write_text(content, "utf-8")
        click.echo(f"wrote {folder / name}", err=True)


def value_of(loaded: Loaded, key: str) -> object:
    """Return the value of a dotted key; that of a part's kind is its name."""
    at: object = loaded.config
    if key.endswith(".kind") and key.removesuffix(".kind") in loaded.kinds:
        return loaded.kinds[key.removesuffix(".kind")]
    for name in key.split("."):
        at = at[name] if isinstance(at, dict) else getattr(at, name)
    return at


def _shown(setting: Setting, value: object) -> object:
    return "(secret)" if setting.secret and value and value != setting.default else value
