"""`manage.py trackside retire-user`"""

import click
import msgspec
from django.contrib.auth import get_user_model

from trackside.django.retirement import retiring
from trackside.django.tracker import default_tracker
from trackside.tracker import TRACKERS

_SIGNALS = "openedx"
"""The tracker of an Open edX platform's signals, where there is one: it writes to logs alone."""


@click.command("retire-user")
@click.option("--id", "user_id", metavar="ID", help="The user's primary key.")
@click.option("--username", default="", metavar="NAME", help="The user's name, as events and audits have it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def retire_user(user_id: str | None, username: str, *, as_json: bool) -> None:
    """Take a user out of Trackside's tables, and tell all destinations by the event trackside.user.retired.

    One of --id and --username is enough while the user is there. Events that are in the log already stay
    until their time is over.
    """
    if not (user_id or username):
        raise click.UsageError("give --id, --username or both")
    id_, name = _known(user_id, username)
    done = retiring.retire_user(id_, name, tracker=TRACKERS.get(_SIGNALS) or default_tracker())
    if as_json:
        click.echo(msgspec.json.encode(done).decode())
        return
    click.echo(
        f"{done.questions:,} questions blanked, {done.set_aside:,} events set aside deleted,"
        f" {done.tokens:,} tokens deleted, {done.named:,} names of authors removed;"
        f" {retiring.EVENT} {'emitted' if done.told else 'not emitted: the id is not known, or not to be told'}"
    )


def _known(user_id: str | None, username: str) -> tuple[object, str]:
    """Return both, as far as the user is there to ask."""
    users = get_user_model()
    by = {users.USERNAME_FIELD: username} if user_id is None else {"pk": user_id}
    try:
        user = users._default_manager.filter(**by).first()  # noqa: SLF001  # Django's own word
    except (ValueError, TypeError) as error:
        raise click.UsageError(f"--id is {user_id!r}, which is no id of a user here") from error
    if user is None:
        return user_id, username
    return user.pk, username or user.get_username()
