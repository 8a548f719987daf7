"""What people do with webfilters: one function for each thing."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import router, transaction

from trackside import hub
from trackside.django.secret_rows import encryption
from trackside.django.secret_rows.changes import carried_along, merged, secrets_of
from trackside.django.secret_rows.refusals import NotReachable, NotTheCase, WrongSettings
from trackside.django.secret_rows.rows import ChangedMeanwhileError, readable
from trackside.django.webfilters import content
from trackside.django.webfilters.clients import client_of_rows
from trackside.django.webfilters.models import Webfilter
from trackside.django.webhooks import surroundings
from trackside.django.webhooks.resolving import refused
from trackside.errors import ConfigurationError
from trackside.event import NameFilter
from trackside.outbound.names import Lookup, system_lookup
from trackside.outbound.signing import new_secret
from trackside.webfilters import POINTS, FilterPoint, Question, try_out


def prepared(
    row: Webfilter, changes: Mapping[str, Any], *, strict: bool = True, lookup: Lookup = system_lookup
) -> None:
    """Give the row what `changes` say, by setting, not saved.

    Raises WrongSettings and NotReachable; then the row is as it was.
    """
    if not encryption.is_available():
        raise NotReachable(f"secrets of webfilters cannot be kept without cryptography. {encryption.REMEDY}")
    given = {name: value for name, value in changes.items() if name != "name"}
    name = changes.get("name", row.name)
    problems: dict[str, list[str]] = {}
    if row._state.adding and (reason := content.name_problem(name)):  # noqa: SLF001  # Django's own word
        problems["name"] = [reason]
    elif name != row.name and not row._state.adding:  # noqa: SLF001
        problems["name"] = [f"name is {row.name!r}, and cannot be changed"]
    hook, wrong = content.read(str(name) or "-", merged(row, given), strict=strict)
    problems |= wrong
    if hook is not None:
        problems |= carried_along(row, hook, given) | refused(hook, content.policy(), lookup=lookup)
    if problems or hook is None:
        raise WrongSettings(problems)
    content.put(row, hook, secrets_of(row, hook, given))
    row.name = str(name)


def create(changes: Mapping[str, Any], *, by: str, lookup: Lookup = system_lookup) -> Webfilter:
    """Make a webfilter. Raises WrongSettings and NotReachable."""
    row = Webfilter(created_by=by, updated_by=by)
    prepared(row, {"name": None, **changes}, lookup=lookup)
    with transaction.atomic(using=router.db_for_write(Webfilter)):
        row.save()
    return row


def change(row: Webfilter, *, by: str, **columns: Any) -> None:
    """Give a row's columns these values, where the whole is then good. Raises NotTheCase and WrongSettings."""
    before = {name: getattr(row, name) for name in columns}
    for name, value in columns.items():
        setattr(row, name, value)
    # to switch one off must be possible whatever else is wrong with it
    if columns.get("enabled") is not False and (problems := content.problems_of(row)):
        for name, value in before.items():
            setattr(row, name, value)
        raise WrongSettings(problems)
    _save(row, by=by)


def rotate(row: Webfilter, *, by: str) -> str:
    """Give a webfilter a new signing secret, which is returned; the old one signs beside it for `overlap_s`."""
    secrets = readable(row)
    if secrets is None:
        raise NotTheCase(f"the secrets of {row.name} cannot be read; set the secret anew instead")
    secret = new_secret()
    overlap_s = surroundings.current().config.webhooks.overlap_s
    row.secrets = secrets.rotated(secret, now=datetime.now(UTC), overlap_s=overlap_s)
    _save(row, by=by)
    return secret


def points_of(row: Webfilter) -> list[FilterPoint]:
    """Return the declared points that a row is for."""
    asked = NameFilter([row.point])
    return [point for name, point in sorted(POINTS.items()) if asked.matches(name)]


def try_row_out(row: Webfilter) -> Question:
    """Ask the row's receiver about example data of its point, and return what would have come of it.

    Nothing is changed, counted or kept. Raises NotTheCase and NotReachable.
    """
    points = points_of(row)
    if not points:
        raise NotTheCase(
            f"no filter point is called {row.point}: the module that declares it has to be loaded when the project"
            " starts"
        )
    try:
        hook = content.hook_of(row, now=datetime.now(UTC))
        return try_out(hook, points[0], asker=client_of_rows(), user_agent=f"Trackside/{hub.version()}")
    except ConfigurationError as error:
        raise NotTheCase(str(error)) from error
    except ImportError as error:
        raise NotReachable(
            f"asking needs {error.name}; install it: pip install 'trackside[server]'"
        ) from error


def _save(row: Webfilter, *, by: str) -> None:
    row.updated_by = by
    try:
        row.save()
    except ChangedMeanwhileError as error:
        raise NotTheCase(str(error)) from error
