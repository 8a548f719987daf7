"""`trackside webhooks`"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from trackside.cli.group import Problem
from trackside.cli.place import json_option, place_options
from trackside.cli.printing import plain, print_json, print_table, time_text
from trackside.cli.site import site, who

if TYPE_CHECKING:
    from trackside.django.webhooks.listing import Listed

_name = click.argument("name")
_assignments = click.argument("assignments", nargs=-1, metavar="[SETTING=VALUE]...")
_from = click.option(
    "--from",
    "file",
    type=click.File("rb"),
    metavar="FILE",
    help="Read a JSON object of settings, - is the standard input; secrets are best given so.",
)


@click.group()
def webhooks() -> None:
    """Make, change and try out the webhooks of the database; those of the file can be listed, tried and paused."""


@webhooks.command("list")
@json_option("Print one JSON object.")
@place_options
def list_(config_file: Path | None, data_dir: str | None, *, as_json: bool) -> None:
    """List all webhooks, those of the configuration file first."""
    with site(config_file, data_dir):
        from trackside.django.webhooks import listing

        found = listing.webhooks()
        if as_json:
            print_json({"webhooks": [_object(each) for each in found]})
            return
    if not found:
        click.echo("there are no webhooks")
        return
    print_table(
        ("webhook", "declared in", "state", "events", "pending", "dead", "url"),
        (
            (
                each.name,
                each.origin,
                each.standing.state,
                ", ".join(each.settings["events"]),
                "-" if each.standing.pending is None else each.standing.pending,
                "-" if each.standing.dead is None else each.standing.dead,
                each.settings["url"],
            )
            for each in found
        ),
    )
    for each in found:
        if each.problem:
            click.echo(f"{each.name}: {each.problem}")


@webhooks.command()
@_name
@json_option("Print one JSON object.")
@place_options
def show(config_file: Path | None, data_dir: str | None, name: str, *, as_json: bool) -> None:
    """Show a webhook, without its secrets."""
    with site(config_file, data_dir):
        from trackside.django.webhooks import listing

        _print(listing.webhook(name), as_json=as_json)


@webhooks.command()
@_name
@_assignments
@_from
@json_option("Print one JSON object.")
@place_options
def add(
    config_file: Path | None,
    data_dir: str | None,
    name: str,
    assignments: tuple[str, ...],
    file: Any,
    *,
    as_json: bool,
) -> None:
    """Make a webhook: `add crm url=https://… events=edx.course.*`; its signing secret is printed, this once.

    Without `secret` it gets a new one; with an empty one (`secret=`) its requests are not signed.
    """
    changes = _changes(assignments, file)
    with site(config_file, data_dir):
        from trackside.django.webhooks import actions, listing

        made = actions.create({**changes, "name": name}, by=who(), strict=False)
        secret = {"new_secret": made.secret} if made.secret else {}
        if as_json:
            print_json({**_object(listing.webhook(name)), **secret})
            return
    click.echo(f"{name} is made" if made.is_new else f"{name} is there already, as asked for")
    if made.secret:
        click.echo(f"signing secret, shown this once: {made.secret}")


@webhooks.command("set")
@_name
@_assignments
@_from
@json_option("Print one JSON object.")
@place_options
def set_(
    config_file: Path | None,
    data_dir: str | None,
    name: str,
    assignments: tuple[str, ...],
    file: Any,
    *,
    as_json: bool,
) -> None:
    """Change settings of a webhook: `set crm timeout_s=5`; what is not named stays."""
    changes = _changes(assignments, file)
    if not changes:
        raise click.UsageError("want SETTING=VALUE, or --from")
    with site(config_file, data_dir):
        from trackside.django.webhooks import actions, listing

        actions.change(name, changes, by=who(), strict=False)
        if as_json:
            print_json(_object(listing.webhook(name)))
            return
    click.echo(f"{name} is changed")


@webhooks.command()
@_name
@json_option("Print one JSON object.")
@place_options
def test(config_file: Path | None, data_dir: str | None, name: str, *, as_json: bool) -> None:
    """Send a test event as delivery would; ends with 1 where it is not taken. Nothing of it is kept."""
    with site(config_file, data_dir):
        from trackside.django.webhooks import actions

        trial = actions.try_out(name, by=who())
    if as_json:
        print_json(trial)
    else:
        status = "" if trial.status is None else f", status {trial.status}"
        click.echo(f"{name}: {plain(trial.sentence)}{status}, after {trial.duration_s * 1_000:.0f} ms")
        if trial.excerpt:
            click.echo("\n".join(plain(line) for line in trial.excerpt.splitlines()))
    if not trial.taken:
        raise click.exceptions.Exit(1)


@webhooks.command()
@_name
@click.option(
    "--overlap",
    "overlap_s",
    type=click.FloatRange(0, 31_536_000),
    metavar="SECONDS",
    help="How long the old secret signs beside the new one; webhooks.overlap_s by default.",
)
@json_option("Print one JSON object.")
@place_options
def rotate(
    config_file: Path | None, data_dir: str | None, name: str, overlap_s: float | None, *, as_json: bool
) -> None:
    """Give a webhook a new signing secret, which is printed, this once."""
    with site(config_file, data_dir):
        from trackside.django.webhooks import actions

        secret = actions.rotate(name, by=who(), overlap_s=overlap_s)
    if as_json:
        print_json({"webhook": name, "new_secret": secret})
    else:
        click.echo(f"signing secret of {name}, shown this once: {secret}")


@webhooks.command()
@_name
@click.option("--yes", is_flag=True, help="Do not ask.")
@place_options
def delete(config_file: Path | None, data_dir: str | None, name: str, *, yes: bool) -> None:
    """Delete a webhook for good: its secrets are forgotten, and its name can never be used again."""
    if not yes:
        click.confirm(f"delete the webhook {plain(name)}?", abort=True)
    with site(config_file, data_dir):
        from trackside.django.webhooks import actions

        actions.delete(name, by=who())
    click.echo(f"{name} is deleted")


@webhooks.command()
@json_option("Print one JSON object.")
@place_options
def reencrypt(config_file: Path | None, data_dir: str | None, *, as_json: bool) -> None:
    """Encrypt all secrets with the first of the keys, so that the older ones can be taken away."""
    with site(config_file, data_dir):
        from trackside.django.webhooks import actions

        count, unreadable = actions.encrypt_anew()
    if as_json:
        print_json({"encrypted": count, "unreadable": unreadable})
    else:
        click.echo(f"the secrets of {count:,} webhooks are encrypted with the first key")
    if unreadable:
        raise Problem(f"the secrets of {', '.join(unreadable)} cannot be read with any key; set them anew")


def _simple(verb: str, sentence: str, done: str, do: Callable[[str], object]) -> click.Command:
    @click.command(verb, help=sentence)
    @_name
    @json_option("Print one JSON object.")
    @place_options
    def command(config_file: Path | None, data_dir: str | None, name: str, *, as_json: bool) -> None:
        with site(config_file, data_dir):
            do(name)
            if as_json:
                from trackside.django.webhooks import listing

                print_json(_object(listing.webhook(name)))
                return
        click.echo(f"{name} {done}")

    return command


def _pause(name: str) -> None:
    from trackside.django.webhooks import backlog

    backlog.pause(name, paused=True)


def _resume(name: str) -> None:
    from trackside.django.webhooks import backlog

    backlog.pause(name, paused=False)


def _enable(name: str) -> None:
    from trackside.django.webhooks import actions

    actions.enable(name, by=who())


def _disable(name: str) -> None:
    from trackside.django.webhooks import actions

    actions.disable(name, by=who())


webhooks.add_command(
    _simple("pause", "Let a webhook rest: its events stay in the log until `resume`.", "is paused", _pause)
)
webhooks.add_command(_simple("resume", "Let a paused webhook go on where it stopped.", "goes on", _resume))
webhooks.add_command(
    _simple("enable", "Send events to a webhook, also to one that was given up.", "is enabled", _enable)
)
webhooks.add_command(
    _simple("disable", "Send nothing more to a webhook; its place is kept.", "is disabled", _disable)
)


def _changes(assignments: tuple[str, ...], file: Any) -> dict[str, Any]:
    """Return the settings of `--from` and of the arguments, which come later. Raises UsageError."""
    changes: dict[str, Any] = {}
    if file is not None:
        try:
            changes = msgspec.json.decode(file.read(), type=dict[str, Any])
        except msgspec.MsgspecError as error:
            raise click.UsageError(f"--from holds no JSON object: {error}") from error
    for assignment in assignments:
        setting, sign, text = assignment.partition("=")
        if not sign:
            raise click.UsageError(f"{assignment!r} is no SETTING=VALUE")
        changes[setting] = _value(setting, text)
    return changes


def _value(name: str, text: str) -> Any:
    from trackside.config.declarations import describe
    from trackside.config.reading import from_text
    from trackside.destinations.webhook import WebhookSettings

    setting = {each.key: each for each in describe(WebhookSettings)}.get(name)
    if setting is None or not text:
        return text
    try:
        return from_text(setting, text)
    except msgspec.MsgspecError as error:
        what = "has a value that cannot be used" if setting.secret else f"is {text!r}"
        raise click.UsageError(f"{name} {what}; want {setting.want}") from error


def _object(listed: "Listed") -> dict[str, Any]:
    from trackside.django.webhooks.api.shown import of_webhook

    return of_webhook(listed)


def _print(listed: "Listed", *, as_json: bool) -> None:
    shown = _object(listed)
    if as_json:
        print_json(shown)
        return
    standing = shown.pop("standing")
    rows = {**shown, **standing}
    for name in ("disabled_at", "created_at", "updated_at"):
        moment = getattr(listed, name)
        rows[name] = time_text(moment) if moment and moment.tzinfo else moment
    print_table(
        ("", ""), ((name, _text(value)) for name, value in rows.items() if value not in (None, "", [], {}))
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
