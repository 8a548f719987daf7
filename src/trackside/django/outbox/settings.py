"""`settings.TRACKSIDE["outbox"]`: where the rows of `emit(…, on_commit=True)` are and who moves them."""

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from django.core.exceptions import ImproperlyConfigured
from msgspec import Struct

from trackside.config.declarations import describe
from trackside.config.settings import setting


class OutboxSettings(Struct, frozen=True, kw_only=True):
    """`outbox`: events that go out if and only if a database transaction commits."""

    database: Annotated[
        str, setting("Alias of the database whose transactions decide; the outbox's tables are there.")
    ] = "default"
    relay: Annotated[
        Literal["thread", "inline", "command"],
        setting(
            "Who moves committed rows on: a thread of the process that committed, that process before it goes on,"
            " or only `manage.py trackside relay`."
        ),
    ] = "thread"
    batch: Annotated[
        bool,
        setting(
            "Whether the events of a transaction become rows together, at its end; off, each does at once, which"
            " is right even where a driver's own connection begins and ends transactions."
        ),
    ] = True
    max_event_bytes: Annotated[
        int,
        setting(
            "Largest event, as JSON; a larger one is dropped and counted: a database may end a transaction over it.",
            unit="bytes",
            low=1_024,
            high=16_777_216,
        ),
    ] = 1_048_576
    poll_interval_s: Annotated[
        float,
        setting(
            "How often the thread looks for rows that a process left behind.", unit="s", low=0.05, high=3_600
        ),
    ] = 15.0
    relay_events: Annotated[
        int, setting("Most events the relay moves in one step.", unit="events", low=1, high=900)
    ] = 200
    durable_timeout_s: Annotated[
        float,
        setting(
            "How long the relay waits for the log's commit before it leaves the rows for later.",
            unit="s",
            low=0.01,
            high=600,
        ),
    ] = 30.0
    attempts: Annotated[
        int,
        setting(
            "After so many attempts in which others got through, an event is set aside with its reason.",
            low=1,
            high=1_000,
        ),
    ] = 10


_NAME = "TRACKSIDE['outbox']"
_current: OutboxSettings | None = None


def current() -> OutboxSettings:
    """Return the settings in effect. Raises ImproperlyConfigured, one line for each problem."""
    global _current  # noqa: PLW0603  # every transactional emit asks for it; it is read once
    if _current is None:
        from django.conf import settings

        found, problems = read(settings)
        if problems:
            raise ImproperlyConfigured("\n".join(problems))
        _current = found
    return _current


def reset(*, setting: str = "TRACKSIDE", **_: object) -> None:
    """Forget what was read; a receiver of Django's `setting_changed`."""
    global _current  # noqa: PLW0603
    if setting == "TRACKSIDE":
        _current = None


def read(source: object) -> tuple[OutboxSettings, list[str]]:
    """Return what `source`, Django's settings, says about the outbox, and everything that is wrong with it.

    What is wrong counts as not said.
    """
    table = getattr(source, "TRACKSIDE", {})
    given = table.get("outbox", {}) if isinstance(table, Mapping) else {}
    if not isinstance(given, Mapping):
        return OutboxSettings(), [f"{_NAME} is {given!r}; want a dict"]
    known = {each.key: each for each in describe(OutboxSettings)}
    values: dict[str, Any] = {}
    problems: list[str] = []
    for key, value in given.items():
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            problems.append(f"{_NAME}[{key!r}] is not a setting{hint}")
            continue
        try:
            values[key] = msgspec.convert(value, known[key].annotation)
        except msgspec.MsgspecError:
            problems.append(f"{_NAME}[{key!r}] is {value!r}; want {known[key].want}")
    found = OutboxSettings(**values)
    databases = getattr(source, "DATABASES", {})
    if databases and found.database not in databases:
        problems.append(f"{_NAME}['database'] is {found.database!r}; want one of {sorted(databases)}")
    return found, problems
