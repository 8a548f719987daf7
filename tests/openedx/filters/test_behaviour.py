"""What filters do with answers, and with what an operator says of them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.openedx.conftest import Host

Tried = dict[str, Any]
LEARNING = "org.openedx.learning."
STEPS = "tests.openedx.filters.host.steps."
YAML: dict[str, Any] = {
    "TRACKSIDE": {
        "signals": {"names": []},
        "filters": {
            "modules": ["tests.openedx.filters.host.other_filters", "tests.no_such_module"],
            "may_change": {
                "*.student.registration.requested.v1": ["form_data.email"],
                "*.student.login.*": ["user.email"],
                "*.vertical_block.render.*": ["fragment.content", "block.content"],
            },
            "also_send": {
                "*.account_activation.*": ["message_context.name", "message_context.key"],
                "*.certificate.*": ["completion_summary"],
            },
            "ignore": ["org.openedx.no.such.v1"],
        },
    },
    "OPEN_EDX_FILTERS_CONFIG": {
        f"{LEARNING}idv.page.url.requested.v1": {
            "fail_silently": False,
            "pipeline": [f"{STEPS}Before", "trackside.openedx.filters.step.WebfilterStep", f"{STEPS}After"],
            "log_level": "debug",
        },
        f"{LEARNING}course_about.page.url.requested.v1": [f"{STEPS}After"],
        f"{LEARNING}dashboard.render.started.v1": f"{STEPS}Before",
    },
}


@pytest.fixture(scope="module")
def tried(platform: Callable[..., Host]) -> Tried:
    """What came of each attempt."""
    found: Tried = json.loads(platform(yaml=YAML).run("tests.openedx.filters.host.behaviour"))
    return found


def test_filters_of_other_packages(tried: Tried) -> None:
    """They are points as well: plain values are changed within their kind, nothing that says who somebody is."""
    report = tried["other_package"]
    assert {what: each[0] for what, each in report["found"].items()} == {
        "title": "changed",
        "options": "changed",
        **dict.fromkeys(("kind", "option's kind", "id", "staff", "thing", "user"), "failed"),
    }
    assert report["found"]["options"][1]["options"] == {"a": 2, "id": 5, "b": [1]}
    assert report["sent"]["user"]["username"] == "zoe"
    assert report["sent"]["thing"] == "<omitted: object>"
    assert report["error"] == ["No", 3, {"a": 1}]


def test_an_operators_pipelines(tried: Tried) -> None:
    """His steps run as he has them, ours in between or behind; one that changes nothing stops no pipeline."""
    found = tried["operators_pipelines"]
    extra = "before {'log_level': 'debug'}"
    assert found[f"{LEARNING}idv.page.url.requested.v1".removeprefix(LEARNING)] == [
        "/before/after",
        "/changed/after",
        [extra, "after /before", extra, "after /changed"],
    ]
    assert found["course_about.page.url.requested.v1"][1][0] == "/changed"
    assert found["course_about.page.url.requested.v1"][2] == ["after /before"] * 2
    assert found["dashboard.render.started.v1"] == [None, "host/other.html", ["before {}"]]


def test_profiles(tried: Tried) -> None:
    """Their fields are saved if the model takes them; others, and an answer with one, are refused. One query asks."""
    outcomes = list(tried["profiles"]["outcomes"].values())
    assert outcomes == ["changed", *["failed"] * 7]
    saved = tried["profiles"]["saved"]
    assert (saved["name"], saved["year_of_birth"], saved["gender"]) == ("Changed", 1990, "f")
    assert tried["profiles"]["queries"] == 1


def test_nobody(tried: Tried) -> None:
    """Where the platform found no user, there is nobody to be changed."""
    assert tried["nobody"] == ["failed", None, None]


def test_what_an_operator_allows(tried: Tried) -> None:
    """What he names is changed and sent, and that alone; secrets are not, nor what the model does not take."""
    opted = tried["opted"]
    assert opted["form"][1]["email"] == ["n@example.org"]
    assert (opted["username"], opted["user"], opted["bad email"]) == ("failed", "changed", "failed")
    assert opted["saved"] == "n@example.org"
    assert (opted["fragment"], opted["content"]) == ("changed", "plain")
    assert opted["sent"] == {"platform_name": "edX", "key": "secret-key"}


def test_completion(tried: Tried) -> None:
    """Where an operator has it sent, certificates say how far somebody is; where there is no LMS, nothing."""
    said = {"of": ["course-v1:edX+DemoX+2026", "zoe"]}
    assert tried["completion"] == [[None, None], [said, said]]


def test_a_row_that_cannot_be_saved(tried: Tried) -> None:
    """The platform goes on with the row as it was, and with its transaction."""
    assert tried["failing_save"] == ["changed", True, 1]


def test_arguments_that_cannot_be_told(tried: Tried) -> None:
    """Nobody is asked about nothing: each webfilter fails by its policy."""
    assert tried["untellable"] == ["tuple", "PreventEnrollment"]


def test_each_can_be_tried_out(tried: Tried) -> None:
    """With example data, outside of any call."""
    assert len(tried["trials"]) == 44
    assert set(tried["trials"].values()) == {None}


def test_checks(tried: Tried) -> None:
    """A type that there is not, a path that does nothing, and that nobody can be asked, are told."""
    wrong = ["trackside.openedx.W005", "trackside.openedx.W006"]
    assert tried["checks"] == [wrong, [*wrong, "trackside.openedx.W008"]]
