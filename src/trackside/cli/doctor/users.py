"""The table of users, where a source looks into it."""

from collections.abc import Iterator
from pathlib import Path

from trackside.cli.doctor.finding import Finding, error, ok, warning
from trackside.config.load import Loaded
from trackside.users.base import UsersUnavailable
from trackside.users.file import FILE_NAME, UserFile


def check_users(loaded: Loaded) -> Iterator[Finding]:
    """Look whether there is anybody in the table, if a source has users = "table"."""
    names = [
        f"sources.{name}"
        for name, settings in loaded.config.sources.items()
        if getattr(settings, "users", None) == "table"
    ]
    if not names:
        return
    askers = " and ".join(names)
    try:
        count = UserFile(Path(loaded.config.data_dir) / FILE_NAME).count()
    except UsersUnavailable as problem:
        why = f"Senders to {askers} are told to come back later."
        yield error("users", str(problem), why, "Do what the message says.")
        return
    if count:
        yield ok("users", f"{count:,} in the table of {askers}")
    else:
        yield warning(
            "users",
            f'{askers} has users = "table", and the table is empty',
            "Every event of a user is refused.",
            'Fill it: trackside users import FILE. Or set users to "any" where senders know their users.',
        )
