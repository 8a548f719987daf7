"""`trackside serve`"""

from pathlib import Path

import click

from trackside.cli.place import load, place_options
from trackside.config.first_start import first_start
from trackside.config.load import Loaded


@click.command()
@click.option("--host", metavar="ADDRESS", help="Address to listen on; 127.0.0.1 by default.")
@click.option("--port", metavar="PORT", help="Port to listen on; 8000 by default, 0 takes any free one.")
@click.option("--workers", metavar="N", help="How many processes collect events; 1 by default.")
@place_options
@click.pass_context
def serve(
    ctx: click.Context,
    host: str | None,
    port: str | None,
    workers: str | None,
    config_file: Path | None,
    data_dir: str | None,
) -> None:
    """Run the server in the foreground, until SIGTERM or Ctrl-C.

    The first start makes the data directory, with a configuration file and a write key in it.
    """
    loaded = prepared(config_file, data_dir, host=host, port=port, workers=workers)
    try:
        from trackside.server.serve import run
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("trackside"):
            raise
        raise click.ClickException(
            f"the server needs {error.name}; install it with: pip install 'trackside[server]'"
        ) from error
    ctx.exit(run(loaded))


def prepared(config_file: Path | None, data_dir: str | None, **flags: object) -> Loaded:
    """Return the configuration, its data directory made ready; a first start writes a configuration file."""
    loaded = load(config_file, data_dir, **flags)
    nothing_said = loaded.path is None and not loaded.config.sources and not loaded.config.destinations
    made = first_start(Path(loaded.config.data_dir), with_config=nothing_said).made
    for path in made:
        click.echo(f"made {path}", err=True)
    return load(config_file, data_dir, **flags) if nothing_said else loaded
