"""The plugin's settings add what is missing, keep what an operator said, and do nothing the second time."""

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trackside.openedx.settings import base, production

AUTH = "openedx.core.djangoapps.cache_toolbox.middleware.CacheBackedAuthenticationMiddleware"
PLATFORMS = "common.djangoapps.track.middleware.TrackMiddleware"
OURS = "trackside.django.middleware.TrackMiddleware"
APP = "trackside.openedx.apps.TracksideOpenedxConfig"

LOG = "trackside.backends.log.LogBackend"


OWN_LOG: dict[str, Any] = {"backends": {"log": {"ENGINE": LOG}}, "processors": []}
"""The backends and processors that are ours alone: the log in `data_dir`, wherever that is in the end."""


def table(lms: Any) -> Any:
    """Return what the settings say of us."""
    return lms.TRACKSIDE


def settings(**others: Any) -> Any:
    """Return settings as the LMS has them at the end of its `common.py`."""
    kept: dict[str, Any] = {
        "INSTALLED_APPS": ["django.contrib.auth", "other.plugin", APP, "another.plugin"],
        "MIDDLEWARE": ["sessions", AUTH, PLATFORMS, "last"],
        "DATA_DIR": Path("/openedx/data"),
    }
    return SimpleNamespace(**{**kept, **others})


def test_what_is_added() -> None:
    """The app before the plugin's, the middleware behind the platform's, whose requests are no second events."""
    lms = settings()
    base.plugin_settings(lms)
    assert lms.INSTALLED_APPS == [
        "django.contrib.auth",
        "other.plugin",
        "trackside.django",
        APP,
        "another.plugin",
    ]
    assert lms.MIDDLEWARE == ["sessions", AUTH, PLATFORMS, OURS, "last"]
    assert table(lms) == {
        "data_dir": "/openedx/data/trackside",
        "requests": {"emit": False},
        **OWN_LOG,
    }


@pytest.mark.parametrize("kind", [list, tuple])
def test_a_second_time(kind: type) -> None:
    """Nothing changes, whatever the sequences are; a list stays the same list."""
    lms = settings(INSTALLED_APPS=kind([APP]), MIDDLEWARE=kind(["sessions", AUTH]))
    apps = lms.INSTALLED_APPS
    base.plugin_settings(lms)
    assert (lms.INSTALLED_APPS is apps) == (kind is list)
    assert type(lms.MIDDLEWARE) is kind
    once = copy.deepcopy(vars(lms))
    for again in (base, production, base):
        again.plugin_settings(lms)
    assert vars(lms) == once


def test_an_operators_values_stay() -> None:
    """In a table too, one by one; and what the operator passed in is not changed."""
    given = {
        "data_dir": "/mine",
        "requests": {"emit": True, "multipart": True},
        "signals": {"names": ["a.*"]},
        "backends": {"log": {"ENGINE": LOG, "OPTIONS": {"data_dir": "/other"}}},
        "processors": [{"ENGINE": "a.b"}],
    }
    before = copy.deepcopy(given)
    lms = settings(TRACKSIDE=given, MIDDLEWARE=[OURS, PLATFORMS], INSTALLED_APPS=["trackside.django", APP])
    base.plugin_settings(lms)
    production.plugin_settings(lms)
    assert table(lms) == before == given
    assert lms.MIDDLEWARE == [OURS, PLATFORMS]
    assert lms.INSTALLED_APPS == ["trackside.django", APP]


def test_yaml_that_replaces_what_was_there() -> None:
    """After it the operator's values and our defaults are there, also those that the YAML moved."""
    lms = settings()
    base.plugin_settings(lms)
    vars(lms).update(TRACKSIDE={"signals": {"ignore": ["x"]}}, DATA_DIR="/elsewhere", INSTALLED_APPS=[APP])
    production.plugin_settings(lms)
    assert table(lms) == {
        "data_dir": "/elsewhere/trackside",
        "requests": {"emit": False},
        "signals": {"ignore": ["x"]},
        **OWN_LOG,
    }
    assert lms.INSTALLED_APPS == ["trackside.django", APP]


def test_yaml_that_moves_the_data() -> None:
    """A default of ours is no operator's value: it follows what it was made of."""
    lms = settings()
    base.plugin_settings(lms)
    lms.DATA_DIR = "/elsewhere"
    production.plugin_settings(lms)
    assert lms.TRACKSIDE["data_dir"] == "/elsewhere/trackside"
    assert lms.TRACKSIDE["backends"] == OWN_LOG["backends"]


def test_yaml_that_names_backends() -> None:
    """They take the place of the default, also where they are almost the same."""
    lms = settings()
    base.plugin_settings(lms)
    backends = {"log": {"ENGINE": LOG, "OPTIONS": {"data_dir": "/other"}}}
    lms.TRACKSIDE = {"data_dir": "/mine", "backends": backends}
    production.plugin_settings(lms)
    assert lms.TRACKSIDE["backends"] == backends


def test_where_the_platforms_tracker_is_ours() -> None:
    """Its own settings say what its backends are."""
    lms = settings(INSTALLED_APPS=["trackside.compat.eventtracking", APP])
    base.plugin_settings(lms)
    assert "backends" not in lms.TRACKSIDE


def test_tokens() -> None:
    """Releases that read the YAML into ENV_TOKENS and AUTH_TOKENS say the same there; the module itself wins."""
    lms = settings(
        TRACKSIDE={"signals": {"depth": 5}},
        ENV_TOKENS={"TRACKSIDE": {"data_dir": "/mine", "signals": {"depth": 9, "data_bytes": 2_000}}},
        AUTH_TOKENS={"TRACKSIDE": {"segment": {"write_key": "k"}}},
    )
    production.plugin_settings(lms)
    production.plugin_settings(lms)
    assert table(lms) == {
        "data_dir": "/mine",
        "requests": {"emit": False},
        "segment": {"write_key": "k"},
        "signals": {"depth": 5, "data_bytes": 2_000},
        **OWN_LOG,
    }


@pytest.mark.parametrize("odd", [None, "text", ["list"]])
def test_a_table_that_is_none(odd: object) -> None:
    """It is left for the check that names it: the platform's settings load."""
    lms = settings(TRACKSIDE=odd, ENV_TOKENS=None)
    base.plugin_settings(lms)
    assert lms.TRACKSIDE is odd


@pytest.mark.parametrize("odd", [None, "text", ["list"]])
def test_tokens_that_are_none(odd: object) -> None:
    """A platform's own name for something else is no reason not to start."""
    lms = settings(ENV_TOKENS=odd, AUTH_TOKENS={"TRACKSIDE": odd})
    base.plugin_settings(lms)
    assert lms.TRACKSIDE["data_dir"] == "/openedx/data/trackside"


def test_a_bare_module() -> None:
    """Where there is nothing at all, what is needed is made."""
    bare = SimpleNamespace()
    base.plugin_settings(bare)
    assert (bare.INSTALLED_APPS, bare.MIDDLEWARE) == (["trackside.django"], [OURS])
    assert table(bare) == OWN_LOG
