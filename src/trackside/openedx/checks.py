"""System checks of the plugin, each with an id and a remedy."""

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004  # Django's own names

from trackside.django.settings import read
from trackside.event import NameFilter
from trackside.openedx.apps import stands_behind_django_app
from trackside.openedx.settings.tracking import MIDDLEWARE, NAME
from trackside.openedx.signals.subscription import is_available, public_signals
from trackside.openedx.tracking import views_taken

CHECKS: Mapping[str, str] = {
    "trackside.openedx.E001": "`trackside.django` is missing, or stands behind the plugin: no signal is an event.",
    "trackside.openedx.W001": "openedx-events is not installed: there are no signals.",
    "trackside.openedx.W002": "A name in `signals` is the type of no signal of this release.",
    "trackside.openedx.W003": "The tracker is off, so no signal is an event.",
    "trackside.openedx.W004": "openedx-webhooks is installed too: what both send arrives twice.",
    "trackside.openedx.W005": "`tracking` asks for what a later settings file took away: nothing of it happens.",
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
            "trackside.django is not in INSTALLED_APPS before trackside.openedx; no signal becomes an event.",
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


def check_other_webhooks(**_: Any) -> Iterator[CheckMessage]:
    """W004."""
    from django.apps import apps

    if find_spec("openedx_webhooks") is not None and apps.is_installed("openedx_webhooks"):
        yield Warning(
            "openedx-webhooks is installed too, and sends the same signals.",
            hint="Import its rows (manage.py trackside import-openedx-webhooks), then take it out.",
            id="trackside.openedx.W004",
        )


def check_tracking(**_: Any) -> Iterator[CheckMessage]:
    """W005."""
    from django.conf import settings

    if read(settings)[0].tracking.backend and NAME not in getattr(settings, "EVENT_TRACKING_BACKENDS", {}):
        yield Warning(
            f"TRACKSIDE['tracking']['backend'] is on, and EVENT_TRACKING_BACKENDS has no {NAME!r}.",
            hint=_LATER,
            id="trackside.openedx.W005",
        )
    if views_taken() and MIDDLEWARE not in settings.MIDDLEWARE:
        yield Warning(
            f"TRACKSIDE['tracking'] gives {' and '.join(views_taken())} to Trackside; MIDDLEWARE has no {MIDDLEWARE}.",
            hint=_LATER,
            id="trackside.openedx.W005",
        )


ALL = (check_apps, check_signals, check_other_webhooks, check_tracking)
