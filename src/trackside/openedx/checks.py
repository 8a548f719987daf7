"""System checks of the plugin, each with an id and a remedy."""

from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from typing import Any

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004  # Django's own names

from trackside.django.settings import read
from trackside.django.settings.filters import FilterSettings
from trackside.event import NameFilter
from trackside.openedx.apps import stands_behind_django_app
from trackside.openedx.filters import discovery
from trackside.openedx.filters.following import FOLLOWED
from trackside.openedx.filters.point import OpenedxPoint
from trackside.openedx.settings.merging import COMPAT_APP
from trackside.openedx.settings.tracking import MIDDLEWARE, NAME
from trackside.openedx.signals.subscription import is_available, public_signals
from trackside.openedx.tracking import views_taken

CHECKS: Mapping[str, str] = {
    "trackside.openedx.E001": "`trackside.django` is missing, or stands behind the plugin: no signal is an event,"
    " no filter a point.",
    "trackside.openedx.W001": "openedx-events is not installed: there are no signals.",
    "trackside.openedx.W002": "A name in `signals` is the type of no signal of this release.",
    "trackside.openedx.W003": "The tracker is off, so no signal is an event.",
    "trackside.openedx.W004": "openedx-webhooks is installed too: what both send arrives twice.",
    "trackside.openedx.W005": "A name in `filters` is the type of no filter of this release.",
    "trackside.openedx.W006": "A path in `filters` is none that an answer could change, or that could be sent.",
    "trackside.openedx.W007": "openedx-filters is not installed: there are no filters.",
    "trackside.openedx.W008": "Neither pycurl nor aiohttp is installed: no webfilter is asked.",
    "trackside.openedx.W009": "`tracking` asks for what a later settings file took away: nothing of it happens.",
    "trackside.openedx.W010": "`TRACKSIDE` is without the plugin's defaults: the platform's own backends get all events"
    " once more.",
}
"""Id → what it says."""
_LATER = (
    "A settings file that is read after the plugin's sets them anew, or says `tracking` too late:"
    " call trackside.openedx.settings.base.plugin_settings on its module at its end."
)


def check_apps(**_: Any) -> Iterator[CheckMessage]:
    """E001."""
    if not stands_behind_django_app():
        yield Error(
            "trackside.django is not in INSTALLED_APPS before trackside.openedx; no signal becomes an event,"
            " no filter a point.",
            hint="Take 'trackside.django' out and let the plugin's settings add it, or put it before the plugin.",
            id="trackside.openedx.E001",
        )


def check_signals(**_: Any) -> Iterator[CheckMessage]:
    """W001, W002, W003."""
    from django.conf import settings

    declared = read(settings)[0]
    if not is_available():
        yield Warning(
            "openedx-events is not installed, so there are no signals to follow.",
            hint="Install the plugin where the platform is, or take it out of INSTALLED_APPS.",
            id="trackside.openedx.W001",
        )
        return
    types = [signal.event_type for signal in public_signals()]
    for glob in (*declared.signals.names, *declared.signals.ignore):
        if not any(map(NameFilter([glob]).matches, types)):
            yield Warning(
                f"TRACKSIDE['signals'] names {glob!r}, and none of the {len(types)} signals is called so.",
                hint="Types are like org.openedx.learning.course.enrollment.created.v1.",
                id="trackside.openedx.W002",
            )
    if not declared.tracker.enabled:
        yield Warning(
            "The tracker is off (TRACKSIDE['tracker']['enabled'] or EVENT_TRACKING_ENABLED), so no signal is an event.",
            hint="Switch it on in TRACKSIDE, or take trackside.openedx out.",
            id="trackside.openedx.W003",
        )


def check_filters(**_: Any) -> Iterator[CheckMessage]:
    """W005, W006, W007, W008."""
    from django.conf import settings

    declared = read(settings)[0].filters
    if not discovery.is_available():
        yield Warning(
            "openedx-filters is not installed, so there are no filters to be asked about.",
            hint="Install the plugin where the platform is, or take it out of INSTALLED_APPS.",
            id="trackside.openedx.W007",
        )
        return
    if not any(map(find_spec, ("pycurl", "aiohttp"))):
        yield Warning(
            "Neither pycurl nor aiohttp is installed, so no webfilter is asked at any filter.",
            hint="Install trackside[curl].",
            id="trackside.openedx.W008",
        )
    types = list(discovery.public_filters(declared.modules))
    defaults = FilterSettings().ignore  # an old release may lack what they name
    named = (*declared.names, *(each for each in declared.ignore if each not in defaults))
    for glob in (*named, *declared.may_change, *declared.also_send):
        if not any(map(NameFilter([glob]).matches, types)):
            yield Warning(
                f"TRACKSIDE['filters'] names {glob!r}, and none of the {len(types)} filters is called so.",
                hint="Types are like org.openedx.learning.course.enrollment.started.v1.",
                id="trackside.openedx.W005",
            )
    yield from _path_problems("may_change", declared.may_change, lambda point, path: point.may_be_named(path))
    yield from _path_problems("also_send", declared.also_send, lambda point, path: point.may_be_sent(path))


def _path_problems(
    setting: str, table: Mapping[str, tuple[str, ...]], fits: Callable[[OpenedxPoint, str], bool]
) -> Iterator[CheckMessage]:
    for glob, paths in table.items():
        points = [point for name, point in FOLLOWED.items() if NameFilter([glob]).matches(name)]
        for path in paths:
            if points and not any(fits(point, path) for point in points):
                yield Warning(
                    f"TRACKSIDE['filters'][{setting!r}][{glob!r}] names {path!r}, which does nothing there.",
                    hint="The reference of filters says what each sends and lets be changed.",
                    id="trackside.openedx.W006",
                )


def check_other_webhooks(**_: Any) -> Iterator[CheckMessage]:
    """W004."""
    from django.apps import apps

    if find_spec("openedx_webhooks") is not None and apps.is_installed("openedx_webhooks"):
        yield Warning(
            "openedx-webhooks is installed too, sends the same signals and asks at the same filters.",
            hint="Import its rows (manage.py trackside import-openedx-webhooks), then take it out.",
            id="trackside.openedx.W004",
        )


def check_defaults(**_: Any) -> Iterator[CheckMessage]:
    """W010."""
    from django.conf import settings

    table = getattr(settings, "TRACKSIDE", {})
    if not hasattr(settings, "EVENT_TRACKING_BACKENDS") or COMPAT_APP in settings.INSTALLED_APPS:
        return
    if isinstance(table, Mapping) and "backends" not in table:
        yield Warning(
            "TRACKSIDE is without the plugin's defaults: Trackside makes the backends of EVENT_TRACKING_BACKENDS once"
            " more, and gives them the events of requests.",
            hint="A settings file that is read after the plugin's sets TRACKSIDE anew. Have it change the table, or"
            " call trackside.openedx.settings.base.plugin_settings on its module at its end.",
            id="trackside.openedx.W010",
        )


def check_tracking(**_: Any) -> Iterator[CheckMessage]:
    """W009."""
    from django.conf import settings

    if read(settings)[0].tracking.backend and NAME not in getattr(settings, "EVENT_TRACKING_BACKENDS", {}):
        yield Warning(
            f"TRACKSIDE['tracking']['backend'] is on, and EVENT_TRACKING_BACKENDS has no {NAME!r}.",
            hint=_LATER,
            id="trackside.openedx.W009",
        )
    if views_taken() and MIDDLEWARE not in settings.MIDDLEWARE:
        yield Warning(
            f"TRACKSIDE['tracking'] gives {' and '.join(views_taken())} to Trackside; MIDDLEWARE has no {MIDDLEWARE}.",
            hint=_LATER,
            id="trackside.openedx.W009",
        )


ALL = (check_apps, check_signals, check_filters, check_other_webhooks, check_tracking, check_defaults)
