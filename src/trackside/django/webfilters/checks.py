"""System checks of the webfilters: hooks that look as if somebody were asked, and nobody is."""

from collections.abc import Collection, Iterator
from importlib.util import find_spec
from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Warning  # noqa: A004  # Django's own name
from django.db import DatabaseError, connections, router

from trackside.django.secret_rows import encryption
from trackside.django.webfilters.settings import Given
from trackside.django.webfilters.settings import read as read_webfilters
from trackside.django.webfilters.transactions import requests_are_transactions, unasked_points
from trackside.event import NameFilter
from trackside.webfilters import POINTS

ALLOW: Final = (
    "Set TRACKSIDE['webfilters']['ask_in_transaction'], or that of single ones in 'points': the transaction and its"
    " locks then last as long as the answer takes. Or ask in views with @transaction.non_atomic_requests."
)


def check_webfilters(**_: Any) -> Iterator[CheckMessage]:
    """W011."""
    given = read_webfilters(settings)[0]
    named = [
        f"The hook {hook.name} is for {hook.point}"
        for hook in given.hooks
        if not any(map(NameFilter([hook.point]).matches, POINTS))
    ]
    named += [
        f"TRACKSIDE['webfilters']['points'] has rules for {name!r}"
        for name in given.rules_of
        if name not in POINTS
    ]
    for each in named:
        declared = ", ".join(sorted(POINTS)) or "none"
        yield Warning(
            f"{each}, which no filter point is called.",
            hint=f"Declared are: {declared}. Load the module that declares it when the project starts.",
            id="trackside.W011",
        )


def check_transactions(databases: Collection[str] | None = None, **_: Any) -> Iterator[CheckMessage]:
    """W012; of rows only where Django lets checks ask the database: `check --database`, `migrate`."""
    if not requests_are_transactions():
        return
    given = read_webfilters(settings)[0]
    asked = {hook.point for hook in given.hooks if hook.enabled and hook.mode != "off"}
    points = sorted(
        {
            name
            for each in (*asked, *_points_of_rows(given, databases))
            for name in unasked_points(each, given)
        }
    )
    if points:
        yield Warning(
            "With ATOMIC_REQUESTS each request is a transaction, in which nobody is asked at these filter points"
            f" although there are hooks: {', '.join(points)}.",
            hint=ALLOW,
            id="trackside.W012",
        )


def check_client(**_: Any) -> Iterator[CheckMessage]:
    """W013."""
    kept = POINTS and read_webfilters(settings)[0].settings.rows and encryption.is_available()
    if kept and not any(map(find_spec, ("pycurl", "aiohttp"))):
        yield Warning(
            "Webfilters of the database cannot be asked: neither pycurl nor aiohttp is installed.",
            hint=encryption.REMEDY,
            id="trackside.W013",
        )


def _points_of_rows(given: Given, databases: Collection[str] | None) -> Collection[str]:
    from trackside.django.webfilters.models import Webfilter  # a model: only where Django is set up

    using = router.db_for_read(Webfilter)
    if not given.settings.rows or databases is None or using not in databases:
        return ()
    connection = connections[using]
    try:
        if Webfilter._meta.db_table not in connection.introspection.table_names():  # noqa: SLF001  # Django's own word
            return ()
        rows = Webfilter.objects.using(using).filter(enabled=True).exclude(mode="off")
        return set(rows.values_list("point", flat=True))
    except DatabaseError:
        return ()  # Django's own checks tell what is wrong with it
