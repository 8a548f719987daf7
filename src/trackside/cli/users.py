"""`trackside users`"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click
import msgspec

from trackside.cli.group import Problem
from trackside.cli.place import json_option, load, place_options
from trackside.cli.printing import plain, print_json, print_lines, print_table
from trackside.errors import ConfigurationError
from trackside.users.base import InvalidUserIdError, User, Wanted
from trackside.users.ids import IdKind, is_storable
from trackside.users.rows import BadRow, Format, ImportRefusedError, read_rows

if TYPE_CHECKING:
    from trackside.users.file import UserFile

_PAGE = 500
_MOST_TOLD = 100


@click.group()
def users() -> None:
    """Keep the table of users, for sources with users = "table"."""


@users.command("import")
@click.argument("file", type=click.File("r", encoding="utf-8", errors="surrogateescape"))
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "tsv", "jsonl"]),
    help="What the list is: comma-separated, tab-separated, JSON Lines; by default its first line tells.",
)
@click.option("--replace", is_flag=True, help="Take all users out who are not in the list.")
@click.option("--skip-bad", is_flag=True, help="Leave out lines that are no user, and tell which.")
@click.option(
    "--ids",
    "kind",
    type=click.Choice(["integer", "text"]),
    help="What the ids are; by default as those in the table, or as the first one in the list.",
)
@json_option("Print one JSON object.")
@place_options
def import_(
    config_file: Path | None,
    data_dir: str | None,
    file: TextIO,
    form: Format | None,
    kind: IdKind | None,
    *,
    replace: bool,
    skip_bad: bool,
    as_json: bool,
) -> None:
    """Take in the users of FILE, or - for the standard input: all of them, or none.

    The list has a head that names the columns id and username, or is JSON Lines with these members; others are
    passed over. Users who are in the table already get the name they have in the list.
    """
    table = _table(config_file, data_dir)
    tell = _tell_some() if skip_bad else _refuse
    done = table.import_users(read_rows(file, form), replace=replace, kind=kind, on_bad=tell)
    if as_json:
        print_json(msgspec.structs.asdict(done))
        return
    left_out = f", {done.bad:,} lines left out" if done.bad else ""
    click.echo(f"{done.added:,} added, {done.changed:,} renamed{left_out}; there are {done.users:,} users")


@users.command("list")
@click.option("--name", default="*", metavar="GLOB", help="Only users of such a name: prof-*.")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="At most N; 100 by default, all with --json.",
)
@json_option("Print one JSON object a line.")
@place_options
def list_(
    config_file: Path | None, data_dir: str | None, name: str, limit: int | None, *, as_json: bool
) -> None:
    """List users in order of id."""
    table = _table(config_file, data_dir)
    if not is_storable(name):
        raise click.BadParameter("want text in UTF-8", param_hint="--name")
    if as_json:
        for page in _pages(table, name, limit):
            print_lines(page)
        return
    shown = [user for page in _pages(table, name, limit or 100) for user in page]
    count = table.count(name)
    if shown:
        _print(shown)
    more = f"{len(shown):,} of {count:,} users; more with --limit"
    click.echo(more if count > len(shown) else f"{count:,} users")


@users.command()
@click.argument("user_id", required=False, metavar="ID")
@click.option("--username", metavar="NAME", help="Find by name instead.")
@json_option("Print one JSON object.")
@place_options
def find(
    config_file: Path | None,
    data_dir: str | None,
    user_id: str | None,
    username: str | None,
    *,
    as_json: bool,
) -> None:
    """Show one user, by ID or by name; ends with 1 where there is none."""
    if user_id is not None and username is None:
        wanted = Wanted("id", user_id)
    elif username is not None and user_id is None:
        wanted = Wanted("username", username)
    else:
        raise click.UsageError("want an id, or --username")
    found = _table(config_file, data_dir).look_up([wanted]).users
    if not found:
        raise Problem(f"there is no user {plain(wanted.value)!r} in the table")
    user: User = found[-1]
    if as_json:
        print_json(user)
    else:
        _print([user])


@users.command()
@click.argument("user_ids", nargs=-1, required=True, metavar="ID...")
@json_option("Print one JSON object.")
@place_options
def remove(
    config_file: Path | None, data_dir: str | None, user_ids: tuple[str, ...], *, as_json: bool
) -> None:
    """Take users out of the table."""
    try:
        count = _table(config_file, data_dir).remove(user_ids)
    except InvalidUserIdError as error:
        raise click.BadParameter(str(error), param_hint="ID") from error
    if as_json:
        print_json({"removed": count})
    else:
        click.echo(f"{count:,} users removed")


def _table(config_file: Path | None, data_dir: str | None) -> "UserFile":
    from trackside.users.file import FILE_NAME, UserFile

    folder = Path(load(config_file, data_dir).config.data_dir)
    if not folder.is_dir():
        raise ConfigurationError(
            f"there is no data directory {folder}; choose one with --data-dir, or make it with `trackside serve`"
        )
    return UserFile(folder / FILE_NAME)


def _pages(table: "UserFile", name: str, limit: int | None) -> Iterator[list[User]]:
    left, after = limit, None
    while left is None or left > 0:
        page = table.users(after=after, limit=min(_PAGE, left or _PAGE), name=name)
        if not page:
            return
        yield page
        after = page[-1].id
        left = None if left is None else left - len(page)


def _print(shown: Iterable[User]) -> None:
    print_table(("id", "username"), ((str(each.id), each.username) for each in shown))


def _refuse(bad: BadRow) -> None:
    raise ImportRefusedError(
        f"line {bad.line}: {bad.reason}; nothing was imported: correct the line, or leave it out with --skip-bad"
    )


def _tell_some() -> Callable[[BadRow], None]:
    told = 0

    def tell(bad: BadRow) -> None:
        nonlocal told
        told += 1
        if told <= _MOST_TOLD:
            click.echo(f"trackside: line {bad.line} is left out: {bad.reason}", err=True)
        elif told == _MOST_TOLD + 1:
            click.echo("trackside: more lines are left out", err=True)

    return tell
