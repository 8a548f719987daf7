"""Management commands whose events say which command they come from."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from trackside.django.tracker import default_tracker


class TrackedCommand(BaseCommand):
    """A management command: events emitted while it runs carry `command`, as `manage.py reindex`.

    Derive from it instead of from Django's BaseCommand. Arguments stay out: they may hold passwords.
    """

    _command = ""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Return the parser, and remember what the command was called by."""
        self._command = f"{prog_name} {subcommand}".strip()
        return super().create_parser(prog_name, subcommand, **kwargs)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command in its context."""
        tracker = default_tracker()
        if tracker is None:
            return super().execute(*args, **options)
        with tracker.context("edx.mgmt.command", {"command": self._command}):
            return super().execute(*args, **options)
