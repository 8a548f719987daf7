"""The command `trackside`: one file for each verb."""

import sys


def main() -> None:
    """Run the command line and exit: 0 where all went well, 2 where something is to be configured, else 1."""
    try:
        from trackside.cli.group import cli
    except ModuleNotFoundError as error:
        if error.name not in {"click", "rich"}:
            raise
        sys.exit(
            f"trackside: the command line needs {error.name}; install it: pip install 'trackside[server]'"
        )
    cli(prog_name="trackside")
