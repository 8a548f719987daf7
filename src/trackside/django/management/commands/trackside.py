"""`manage.py trackside VERB`"""

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trackside.django import verbs


class Command(BaseCommand):
    """The verbs of Trackside's command line, on the log that `settings.TRACKSIDE` names."""

    help = "Look at and mend what Trackside keeps: tail, status, replay, dead-letters, doctor and more."
    requires_system_checks = ()  # doctor is for when something is wrong

    def add_arguments(self, parser: CommandParser) -> None:
        """Take everything as it comes: the verb reads its own arguments."""
        parser.add_argument(
            "arguments", nargs=argparse.REMAINDER, help="a verb and its arguments; none lists the verbs"
        )

    def run_from_argv(self, argv: list[str]) -> None:
        """Run the verb of a command line, options and all, and exit as it says."""
        self._run(argv[2:] or ["--help"], prog_name=f"{argv[0]} {argv[1]}", standalone=True)

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        """Run the verb of a `call_command("trackside", "status", "--json")`. Raises CommandError."""
        try:
            code = self._run([*options["arguments"]] or ["--help"], prog_name="trackside", standalone=False)
        except Exception as error:
            message = getattr(error, "message", None)  # what click says is for people
            if message is None:
                raise
            raise CommandError(message, returncode=getattr(error, "exit_code", 1)) from error
        if code:
            raise CommandError(f"trackside ended with {code}", returncode=int(code))

    def _run(self, arguments: list[str], *, prog_name: str, standalone: bool) -> Any:
        try:
            return verbs.run(arguments, prog_name, standalone=standalone)
        except ModuleNotFoundError as error:
            if error.name not in {"click", "rich"}:
                raise
            sys.exit(
                f"trackside: the command line needs {error.name}; install it: pip install 'trackside[server]'"
            )
