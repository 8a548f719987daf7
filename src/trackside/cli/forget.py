"""`trackside forget`"""

import shlex
from pathlib import Path

import click
import msgspec

from trackside.cli.place import is_served, json_option, load, opened_log, place_options
from trackside.cli.printing import plain, print_json
from trackside.config.load import Loaded
from trackside.forgetting import Forgotten
from trackside.forgetting import forget as forget_person
from trackside.log.person import Person

_AGAIN = (
    "a server is at work here: a request that was under way has gone out, and its attempt may have kept what it"
    " sent. Run the same command again in a minute; it empties that too"
)
_READ = "somebody else reads the files, which hold some of it until they are done; run the same command again"


@click.command()
@click.option(
    "--user-id", "user_ids", multiple=True, metavar="ID", help="An id of the person; may be repeated."
)
@click.option("--username", "usernames", multiple=True, metavar="NAME", help="A name; may be repeated.")
@click.option(
    "--anonymous-id",
    "anonymous_ids",
    multiple=True,
    metavar="ID",
    help="An id of a device before anybody knew whose it is; may be repeated.",
)
@click.option("--dry-run", is_flag=True, help="Say how much there is, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option("Print one JSON object; does not ask.")
@place_options
def forget(
    config_file: Path | None,
    data_dir: str | None,
    user_ids: tuple[str, ...],
    usernames: tuple[str, ...],
    anonymous_ids: tuple[str, ...],
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Erase what the data directory holds of a person.

    That is: events of the log whose user_id, anonymous_id, or user_id or username in their context or data is one of
    these, and the same events where they wait or are dead letters; what webhooks sent of them; rejects that name the
    person; the person's row in the table of users. What was delivered, and the tracking log, is not here to be
    erased. Texts are compared as a whole.
    """
    if not (user_ids or usernames or anonymous_ids):
        raise click.UsageError("want --user-id, --username or --anonymous-id")
    if any(not _is_text(each) for each in (*user_ids, *usernames, *anonymous_ids)):
        raise click.BadParameter("want ids and names that are not empty, in UTF-8")
    person = Person(
        user_ids=frozenset(user_ids), usernames=frozenset(usernames), anonymous_ids=frozenset(anonymous_ids)
    )
    loaded = load(config_file, data_dir)
    if not (dry_run or yes or as_json):
        found = _forget(person, loaded, dry_run=True)
        _tell(found, dry_run=True)
        click.confirm("Erase it for good?", abort=True)
    found = _forget(person, loaded, dry_run=dry_run)
    if as_json:
        print_json({**msgspec.structs.asdict(found), "dry_run": dry_run})
        return
    _tell(found, dry_run=dry_run)
    if found.total and not dry_run and is_served(loaded):
        click.echo(f"trackside: {_AGAIN}", err=True)


def _is_text(value: str) -> bool:
    try:
        return bool(value.encode())
    except UnicodeEncodeError:
        return False


def _forget(person: Person, loaded: Loaded, *, dry_run: bool) -> Forgotten:
    from trackside import hub
    from trackside.users.file import FILE_NAME, UserFile

    users = Path(loaded.config.data_dir) / FILE_NAME
    table = UserFile(users) if users.exists() else None
    with opened_log(loaded) as log:
        attempts = hub.kept_attempts(loaded.config)
        try:
            return forget_person(person, log, attempts, table, dry_run=dry_run)
        finally:
            if attempts is not None:
                attempts.close()


def _tell(found: Forgotten, *, dry_run: bool) -> None:
    what = {
        "events of the log": found.events,
        "events that wait to be sent again": found.waiting,
        "dead letters": found.dead_letters,
        "rejects": found.rejects,
        "rows of the table of users": found.users,
    }
    if not dry_run:
        what["attempts of webhooks, whose bodies are empty now"] = found.attempts
    there = [f"{count:,} {name}" for name, count in what.items() if count]
    if not there:
        click.echo(f"nothing of this person is there, up to position {found.through:,}")
    elif dry_run:
        click.echo(f"there are {', '.join(there)}, up to position {found.through:,}; nothing is erased yet")
    else:
        click.echo(f"erased: {', '.join(there)}, up to position {found.through:,}")
    if found.anonymous_ids:
        ids = " ".join(f"--anonymous-id {shlex.quote(plain(each))}" for each in found.anonymous_ids)
        click.echo(f"seen beside it; with these, what was done before signing in goes too: {ids}")
    if not found.scrubbed:
        click.echo(f"trackside: {_READ}", err=True)
