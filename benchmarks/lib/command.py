"""A benchmark as a command: its numbers as options, its report on the screen, its promises as exit status."""

import argparse
import sys
from collections.abc import Callable

from benchmarks.lib import load, servers
from benchmarks.lib.report import Report


def conclude(run: Callable[..., Report], description: str | None, **options: float) -> None:
    """Run it with its `options` as the command line has them, print what it found, and exit.

    An option is given as `--seconds 5` and is of the type of its default. The status is 0 where every promise
    was kept, and a sentence where it could not be measured.
    """
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    for name, default in options.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    arguments = parser.parse_args()
    try:
        report = run(**vars(arguments))
    except (load.LoadError, servers.ServerError) as error:
        sys.exit(str(error))
    print(report.markdown())
    sys.exit(0 if report.kept else 1)
