"""`settings.TRACKSIDE["outbox"]`: what it may say, and what is told where it is wrong."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from trackside.django.outbox import install
from trackside.django.outbox.settings import OutboxSettings, current, read, reset

DATABASES: dict[str, Any] = {"default": {}, "events": {}}


def test_everything_has_a_default() -> None:
    assert read(SimpleNamespace()) == (OutboxSettings(), [])


def test_what_is_given_counts() -> None:
    source = SimpleNamespace(
        TRACKSIDE={"outbox": {"database": "events", "relay": "inline", "poll_interval_s": 3}},
        DATABASES=DATABASES,
    )
    found, problems = read(source)
    assert problems == []
    assert (found.database, found.relay, found.poll_interval_s) == ("events", "inline", 3.0)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"outbox": 7}, "TRACKSIDE['outbox'] is 7; want a dict"),
        (
            {"outbox": {"databas": "x"}},
            "TRACKSIDE['outbox']['databas'] is not a setting; did you mean database?",
        ),
        (
            {"outbox": {"relay": "soon"}},
            "TRACKSIDE['outbox']['relay'] is 'soon'; want \"command\" or \"inline\" or \"thread\"",
        ),
        (
            {"outbox": {"poll_interval_s": 0}},
            "TRACKSIDE['outbox']['poll_interval_s'] is 0; want 0.05 to 3600 seconds",
        ),
        (
            {"outbox": {"database": "other"}},
            "TRACKSIDE['outbox']['database'] is 'other'; want one of ['default', 'events']",
        ),
    ],
)
def test_what_is_wrong_is_told_and_counts_as_not_said(given: dict[str, Any], problem: str) -> None:
    found, problems = read(SimpleNamespace(TRACKSIDE=given, DATABASES=DATABASES))
    assert problems == [problem]
    assert found.relay == "thread"


def test_a_project_with_wrong_settings_does_not_start(settings: Any) -> None:
    settings.TRACKSIDE = {"outbox": {"attempts": "many"}}
    reset()
    with pytest.raises(ImproperlyConfigured, match="attempts"):
        current()
    with pytest.raises(ImproperlyConfigured, match="attempts"):
        install()
    del settings.TRACKSIDE
    reset()
    assert current() == OutboxSettings()
