"""What a project's settings say, and what is said about wrong ones."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from trackside.django.settings import DjangoSettings, current, read


def of(**names: Any) -> DjangoSettings:
    found, problems = read(SimpleNamespace(**names))
    assert problems == []
    return found


def test_nothing_said_means_the_defaults() -> None:
    assert of() == DjangoSettings()


def test_the_names_that_sites_have() -> None:
    found = of(
        EVENT_TRACKING_ENABLED=False,
        EVENT_TRACKING_BACKENDS={"a": {}},
        EVENT_TRACKING_PROCESSORS=({"ENGINE": "x"},),
        TRACK_MAX_EVENT=10_000,
        TRACKING_IGNORE_URL_PATTERNS=["^/x"],
        LMS_SEGMENT_KEY="key",
    )
    assert found.tracker.enabled is False
    assert found.tracker.max_event_chars == 10_000
    assert found.backends == {"a": {}}
    assert found.processors == [{"ENGINE": "x"}]
    assert found.requests.ignore_url_patterns == ("^/x",)
    assert found.segment.write_key == "key"


def test_ours_beats_theirs() -> None:
    found = of(
        TRACKSIDE={"requests": {"ignore_url_patterns": ["^/ours"]}, "backends": {}},
        TRACKING_IGNORE_URL_PATTERNS=["^/theirs"],
        EVENT_TRACKING_BACKENDS={"a": {}},
    )
    assert found.requests.ignore_url_patterns == ("^/ours",)
    assert found.backends == {}


def test_the_keys_of_a_server_are_kept() -> None:
    assert of(TRACKSIDE={"data_dir": "/srv", "log": {"engine": "sqlite"}}).server == {
        "data_dir": "/srv",
        "log": {"engine": "sqlite"},
    }


def test_the_data_directory_may_be_a_path() -> None:
    """As `BASE_DIR / "data"`, the way settings of Django have it."""
    assert of(TRACKSIDE={"data_dir": Path("/srv") / "data"}).server == {"data_dir": "/srv/data"}


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ({"TRACKSIDE": []}, "TRACKSIDE is []; want a dict"),
        ({"TRACKSIDE": {"requsts": {}}}, "TRACKSIDE['requsts'] is not a setting; did you mean requests?"),
        ({"TRACKSIDE": {"data_dirr": ""}}, "TRACKSIDE['data_dirr'] is not a setting; did you mean data_dir?"),
        ({"TRACKSIDE": {7: {}}}, "TRACKSIDE[7] is not a setting"),
        ({"TRACKSIDE": {"requests": 5}}, "TRACKSIDE['requests'] is 5; want a dict"),
        (
            {"TRACKSIDE": {"requests": {"emitt": True}}},
            "TRACKSIDE['requests']['emitt'] is not a setting; did you mean emit?",
        ),
        (
            {"TRACKSIDE": {"requests": {"payload_chars": 10}}},
            "TRACKSIDE['requests']['payload_chars'] is 10; want a whole number, 64 to 1000000 characters",
        ),
        (
            {"TRACKING_IGNORE_URL_PATTERNS": ["("]},
            (
                "TRACKING_IGNORE_URL_PATTERNS is ['(']; want regular expressions, but '(' is none: "
                "missing ), unterminated subpattern at position 0"
            ),
        ),
        ({"TRACK_MAX_EVENT": "x"}, "TRACK_MAX_EVENT is 'x'; want a whole number, 1 or more characters"),
        ({"EVENT_TRACKING_BACKENDS": []}, "EVENT_TRACKING_BACKENDS is []; want a dict"),
        ({"EVENT_TRACKING_PROCESSORS": "x"}, "EVENT_TRACKING_PROCESSORS is 'x'; want a list"),
        ({"LMS_SEGMENT_KEY": 5}, "LMS_SEGMENT_KEY has a value that cannot be used; want text"),
        (
            {"TRACKSIDE": {"requests": {"forwarded_from": ["x"]}}},
            (
                "TRACKSIDE['requests']['forwarded_from'] is ['x']; want a list, each an address or network"
                " such as 10.0.0.0/8"
            ),
        ),
    ],
)
def test_what_is_wrong_is_said(names: dict[str, Any], problem: str) -> None:
    assert read(SimpleNamespace(**names))[1] == [problem]


def test_all_problems_are_told_at_once() -> None:
    _, problems = read(SimpleNamespace(TRACKSIDE={"a": 1, "b": 2}, TRACK_MAX_EVENT=None))
    assert len(problems) == 3


def test_a_changed_setting_is_read_again(settings: Settings) -> None:
    assert current().tracker.max_event_chars == 50_000
    settings.TRACK_MAX_EVENT = 100
    assert current().tracker.max_event_chars == 100
    settings.TRACK_MAX_EVENT = "x"
    with pytest.raises(ImproperlyConfigured, match="TRACK_MAX_EVENT"):
        current()
