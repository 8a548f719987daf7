"""What `tracking` adds to the platform's settings, and when."""

import copy
from types import SimpleNamespace
from typing import Any

import pytest

from tests.openedx.settings.test_merging import APP, LOG, settings
from trackside.openedx.settings import base, production

OURS = {"ENGINE": "trackside.openedx.tracking.TrackingBackend", "OPTIONS": {}}
VIEWS = "trackside.openedx.middleware.TrackingViewsMiddleware"
EVERYTHING = {"backend": True, "event": "trackside", "segmentio": "trackside"}


def platform(**others: Any) -> Any:
    """Return the settings of a platform that tracks."""
    tree = {"tracking_logs": {"ENGINE": "eventtracking.backends.routing.RoutingBackend"}}
    return settings(EVENT_TRACKING_BACKENDS=tree, **others)


def test_nothing_by_default() -> None:
    """The platform's tracking is its own."""
    lms = platform()
    base.plugin_settings(lms)
    production.plugin_settings(lms)
    assert set(lms.EVENT_TRACKING_BACKENDS) == {"tracking_logs"}
    assert VIEWS not in lms.MIDDLEWARE


def test_what_is_asked_for() -> None:
    """It is there once, before the other backends and after the other middleware, however often the loader comes."""
    lms = platform()
    base.plugin_settings(lms)
    lms.TRACKSIDE = {"tracking": EVERYTHING}
    production.plugin_settings(lms)
    once = copy.deepcopy(vars(lms))
    production.plugin_settings(lms)
    assert vars(lms) == once
    assert lms.EVENT_TRACKING_BACKENDS["_trackside"] == OURS
    assert min(lms.EVENT_TRACKING_BACKENDS) == "_trackside"
    assert lms.MIDDLEWARE[-1] == VIEWS


@pytest.mark.parametrize("said", [{"event": "trackside"}, {"segmentio": "trackside"}])
def test_one_path(said: dict[str, str]) -> None:
    """The middleware is there for either of them, without the backend."""
    lms = platform(TRACKSIDE={"tracking": said}, MIDDLEWARE=("sessions",))
    base.plugin_settings(lms)
    assert lms.MIDDLEWARE[-1] == VIEWS
    assert set(lms.EVENT_TRACKING_BACKENDS) == {"tracking_logs"}


def test_where_the_platforms_tracker_is_ours() -> None:
    """The backend is the log itself: there is no second tracker to hand events to."""
    lms = platform(
        INSTALLED_APPS=["trackside.compat.eventtracking", APP], TRACKSIDE={"tracking": {"backend": True}}
    )
    base.plugin_settings(lms)
    options = {"data_dir": "/openedx/data/trackside", "settings": None}
    assert lms.EVENT_TRACKING_BACKENDS["_trackside"] == {"ENGINE": LOG, "OPTIONS": options}


@pytest.mark.parametrize("odd", [None, "yes", ["backend"]])
def test_a_table_that_is_none(odd: object) -> None:
    """It is left for the check that names it."""
    lms = SimpleNamespace(TRACKSIDE={"tracking": odd})
    base.plugin_settings(lms)
    assert not hasattr(lms, "EVENT_TRACKING_BACKENDS")
