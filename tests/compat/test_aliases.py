"""`import eventtracking…` runs on Trackside: the same objects under other names."""

import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from unittest import mock

import pytest

import trackside.routing
import trackside.tracker
from trackside.compat.eventtracking import install, uninstall
from trackside.errors import ConfigurationError

MODULES = {
    "eventtracking.tracker": "trackside.tracker",
    "eventtracking.locator": "trackside.locator",
    "eventtracking.exceptions": "trackside.compat.eventtracking.exceptions",
    "eventtracking.backends.logger": "trackside.backends.logger",
    "eventtracking.backends.routing": "trackside.routing",
    "eventtracking.processors.exceptions": "trackside.processors.exceptions",
    "eventtracking.processors.regex_filter": "trackside.processors.regex_filter",
    "eventtracking.processors.whitelist": "trackside.processors.whitelist",
    "eventtracking.django.django_tracker": "trackside.django.tracker",
}


@pytest.fixture(autouse=True)
def _installed() -> Iterator[None]:
    uninstall()
    install()
    yield
    uninstall()


@pytest.mark.parametrize(("name", "ours"), MODULES.items())
def test_a_module_is_ours_and_stays_ours(name: str, ours: str) -> None:
    module = import_module(name)
    assert module is import_module(ours)
    assert module.__name__ == ours
    assert module.__spec__ is not None
    assert module.__spec__.name == ours


def test_every_way_to_import_gives_the_same_object() -> None:
    from eventtracking import tracker
    from eventtracking.backends import routing
    from eventtracking.tracker import emit

    assert tracker is trackside.tracker
    assert routing is trackside.routing
    assert emit is trackside.tracker.emit
    assert sys.modules["eventtracking"].tracker is trackside.tracker


def test_what_is_patched_under_one_name_is_seen_under_both() -> None:
    with mock.patch("eventtracking.tracker.datetime") as clock:
        sent: list[dict[str, object]] = []

        class Memory:
            mutates = False
            send = sent.append

        trackside.tracker.Tracker({"m": Memory()}).emit("n")
    assert sent[0]["timestamp"] is clock.now.return_value


def test_the_package_of_the_django_app_has_the_tracker() -> None:
    from eventtracking.django import DjangoTracker

    assert DjangoTracker is import_module("trackside.django.tracker").DjangoTracker


@pytest.mark.parametrize(
    "name", ["eventtracking.nothing", "eventtracking.backends.nothing", "eventtracking.a.b"]
)
def test_a_module_that_nobody_has_is_not_found(name: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=name.rpartition(".")[0]):
        import_module(name)


def test_installing_again_changes_nothing() -> None:
    before = list(sys.meta_path)
    install()
    assert sys.meta_path == before


def test_installing_loads_no_module() -> None:
    script = (
        "import sys; from trackside.compat.eventtracking import install; install();"
        "print([m for m in sys.modules if m in"
        " ('trackside.tracker', 'trackside.backends', 'eventtracking', 'django')])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_another_eventtracking_that_was_imported_before_is_not_mixed_with_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uninstall()
    other = type(sys)("eventtracking")
    other.__file__ = "/site-packages/eventtracking/__init__.py"
    monkeypatch.setitem(sys.modules, "eventtracking", other)
    with pytest.raises(ConfigurationError, match="before its first import"):
        install()


def test_one_setting_is_enough() -> None:
    """INSTALLED_APPS names it before `eventtracking.django`, in either of its spellings."""
    script = """
import sys, django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["trackside.compat.eventtracking", sys.argv[1]],
    EVENT_TRACKING_ENABLED=True,
    EVENT_TRACKING_BACKENDS={
        "logger": {"ENGINE": "eventtracking.backends.logger.LoggerBackend", "OPTIONS": {"name": "t"}},
    },
)
django.setup()
from django.apps import apps
from eventtracking import tracker
print([(c.name, c.label) for c in apps.get_app_configs()][1], tracker.get_tracker().backends["logger"].__module__)
"""
    for app in ("eventtracking.django", "eventtracking.django.apps.EventTrackingConfig"):
        command = [sys.executable, "-c", script, app]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.stdout.strip() == (
            "('eventtracking.django', 'eventtracking_django') trackside.backends.logger"
        ), result.stderr
