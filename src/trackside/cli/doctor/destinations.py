"""The destinations: can they be reached from here, and how do they stand."""

import os
from collections.abc import Iterator
from pathlib import Path

from trackside.cli.doctor.finding import Finding, error, ok, warning
from trackside.cli.place import opened_log
from trackside.cli.printing import ago_text
from trackside.cli.status import DestinationStatus, destination_statuses
from trackside.config.load import Loaded
from trackside.destinations.connecting import policy_of
from trackside.destinations.endpoint import EndpointSettings
from trackside.destinations.files import FilesSettings
from trackside.destinations.sql import SqlSettings, engine_for, why_not
from trackside.destinations.webhook import WebhookSettings
from trackside.errors import ConfigurationError, TracksideError


def check_destinations(loaded: Loaded) -> Iterator[Finding]:
    """Look at each destination's place, and at what the log knows about it."""
    if not loaded.config.destinations:
        yield warning(
            "destinations",
            "none is configured",
            "Events stay in the log.",
            "Add a [destinations.NAME] to the file.",
        )
    for name, settings in loaded.config.destinations.items():
        if isinstance(settings, FilesSettings):
            yield _check_folder(name, Path(loaded.config.data_dir) / settings.path)
        elif isinstance(path := getattr(settings, "path", None), str):
            yield _check_path(name, Path(loaded.config.data_dir) / path)
        if isinstance(settings, SqlSettings):
            yield _check_table(name, settings, Path(loaded.config.data_dir))
        if isinstance(settings, EndpointSettings):
            yield check_endpoint(name, settings, of=f"destinations.{name}.", rules=f"destinations.{name}.")
    try:
        with opened_log(loaded) as log:
            statuses = destination_statuses(loaded, log)
    except TracksideError:
        return  # there is no log yet, or its own check tells what is wrong with it
    for name, status in statuses.items():
        yield from _check_status(name, status)


def _check_path(name: str, path: Path) -> Finding:
    why = "Its events wait in the log until it can be written."
    if path.is_dir():
        return error(name, f"{path} is a folder", why, f"Set destinations.{name}.path to a file.")
    if not path.parent.is_dir():
        return error(name, f"the folder {path.parent} does not exist", why, f"mkdir -p '{path.parent}'")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        return error(
            name,
            f"{path} cannot be written by this user",
            why,
            f"chown {os.getuid()} '{path}', or run as its owner",
        )
    return ok(name, f"{path} can be written")


def _check_folder(name: str, folder: Path) -> Finding:
    why = "Its events wait in the log until it can be written."
    existing = next((each for each in (folder, *folder.absolute().parents) if each.exists()), Path("/"))
    if not existing.is_dir():
        return error(name, f"{existing} is no folder", why, f"Set destinations.{name}.path to a folder.")
    if not os.access(existing, os.W_OK | os.X_OK):
        return error(
            name,
            f"{existing} cannot be written by this user",
            why,
            f"chown {os.getuid()} '{existing}', or run as its owner",
        )
    return ok(name, f"{folder} can be written")


def _check_table(name: str, settings: SqlSettings, data_dir: Path) -> Finding:
    """Ask the database, and see whether the table takes events; one that is not there yet is made."""
    try:
        reason = why_not(engine_for(settings, data_dir), settings.table)
    except ConfigurationError as problem:
        reason = str(problem)
    if reason is None:
        return ok(name, f"its table {settings.table} takes events")
    return error(
        name,
        reason,
        "Its events wait in the log.",
        f"See destinations.{name}.url and table, and whether the database runs.",
    )


def check_endpoint(name: str, settings: EndpointSettings, *, of: str, rules: str) -> Finding:
    """Look at the URL's text and the signature; nobody is asked.

    `of` stands before the names of its settings in what is to be done, `rules` before those of what it may reach.
    """
    if reason := policy_of(settings).why_not_url(settings.url):
        return error(
            name,
            f"its url must not be asked: {reason}",
            "Its events wait in the log.",
            f"Set {rules}allow to its network or host, or the url to another.",
        )
    if not settings.secrets and not _says_who_we_are(settings):
        return warning(
            name,
            "its requests are not signed",
            "The receiver cannot tell them from forged ones.",
            f"Set {of}secret, and give it to the receiver.",
        )
    if settings.url.startswith("http:") and not (settings.allow_private_networks or settings.allow):
        return warning(
            name,
            "its requests are not encrypted",
            "Whoever is on the way reads the events.",
            f"Set {of}url to https.",
        )
    signed = "are signed" if settings.secrets else "say who sends them"
    return ok(name, f"its url may be asked, its requests {signed}")


def _says_who_we_are(settings: EndpointSettings) -> bool:
    """Return whether a place that takes batches can tell us from others; a webhook's receiver wants a signature."""
    if isinstance(settings, WebhookSettings):
        return False
    return bool(
        settings.headers
        or settings.bearer_token
        or settings.basic_username
        or settings.oauth_token_url
        or settings.tls_certificate_file
    )


def _check_status(name: str, status: DestinationStatus) -> Iterator[Finding]:
    if status.state == "removed" and status.pending:
        yield warning(
            name,
            f"is configured no longer, with {status.pending:,} events waiting for it",
            "Retention does not wait for it: what it has not passed goes when it is old.",
            f"Configure it again, with enabled = false to keep its events (destinations.{name}), or leave it be.",
        )
    if status.failing_since is not None:
        yield warning(
            name,
            f"takes nothing since {ago_text(status.failing_since)}: {status.last_error}",
            f"{status.pending + status.retrying:,} events wait for it.",
            "Repair what it says; it goes on by itself.",
        )
    if status.dead:
        yield warning(
            name,
            f"has {status.dead:,} dead letters",
            "They are not tried again by themselves.",
            f"trackside dead-letters list --destination {name}",
        )
    if status.state == "paused":
        yield warning(
            name,
            "is paused",
            f"{status.pending:,} events wait for it.",
            f"trackside resume --destination {name}",
        )
