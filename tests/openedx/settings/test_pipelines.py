"""The step of all filters is added to what an operator has, in each of the forms that openedx-filters takes; D14."""

import copy
from types import SimpleNamespace
from typing import Any

import pytest

from trackside.openedx.settings import pipelines
from trackside.openedx.settings.pipelines import STEP, add_steps, with_steps

TYPE = "org.openedx.learning.idv.page.url.requested.v1"
OWN = "operator.Step"


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (None, {"fail_silently": True, "pipeline": [STEP]}),
        ({}, {"pipeline": [STEP]}),
        ([], {"fail_silently": True, "pipeline": [STEP]}),
        ("", {"fail_silently": True, "pipeline": [STEP]}),
        (OWN, [OWN, STEP]),
        ([OWN], [OWN, STEP]),
        ({"fail_silently": False}, {"fail_silently": False, "pipeline": [STEP]}),
        (
            {"pipeline": [OWN], "fail_silently": False, "log_level": "debug"},
            {"pipeline": [OWN, STEP], "fail_silently": False, "log_level": "debug"},
        ),
        ({"pipeline": (OWN,)}, {"pipeline": [OWN, STEP]}),
        ({"pipeline": OWN}, {"pipeline": [OWN, STEP]}),
        ({"pipeline": None}, {"pipeline": [STEP]}),
        ({"pipeline": [STEP, OWN]}, {"pipeline": [STEP, OWN]}),
        ([STEP, OWN], [STEP, OWN]),
        (STEP, [STEP]),
        (5, 5),
        ({"pipeline": 5}, {"pipeline": 5}),
        ({"pipeline": {"step": OWN}}, {"pipeline": {"step": OWN}}),
    ],
)
def test_forms(given: Any, made: Any) -> None:
    """What an operator has stays, before ours or where he has put it; the second time changes nothing."""
    before = copy.deepcopy(given)
    config = {} if given is None else {TYPE: given}
    once = with_steps(config, [TYPE])
    assert once == {TYPE: made}
    assert with_steps(once, [TYPE]) == once
    assert given == before


def test_other_filters_stay() -> None:
    """Filters that are not followed keep what they have."""
    assert with_steps({"other": [OWN]}, [TYPE])["other"] == [OWN]


@pytest.mark.parametrize("config", [None, {"other": [OWN]}])
def test_settings(monkeypatch: pytest.MonkeyPatch, config: Any) -> None:
    """Loaded twice, with the operator's file in between that replaces all, each pipeline has the step once."""
    monkeypatch.setattr(pipelines, "wanted_filters", lambda names, ignore: {TYPE: object()})
    lms = SimpleNamespace() if config is None else SimpleNamespace(OPEN_EDX_FILTERS_CONFIG=config)
    add_steps(lms)
    add_steps(lms)
    assert lms.OPEN_EDX_FILTERS_CONFIG[TYPE]["pipeline"] == [STEP]
    lms.OPEN_EDX_FILTERS_CONFIG = {TYPE: OWN}
    add_steps(lms)
    assert lms.OPEN_EDX_FILTERS_CONFIG == {TYPE: [OWN, STEP]}


def test_what_the_settings_want(monkeypatch: pytest.MonkeyPatch) -> None:
    """`TRACKSIDE` says which; what cannot be used of it counts as not said here, and is told at the start."""
    asked: list[Any] = []

    def remember(*said: Any) -> dict[str, Any]:
        asked.append(said)
        return {}

    monkeypatch.setattr(pipelines, "wanted_filters", remember)
    for table in (
        {"filters": {"names": ["a"], "ignore": ["b"]}},
        {"filters": {"names": 5}},
        {"filters": None},
        None,
    ):
        add_steps(SimpleNamespace(TRACKSIDE=table))
    default = (("*",), ("org.openedx.management.command.*",))
    assert asked == [(("a",), ("b",)), default, default, default]


def test_what_is_no_configuration() -> None:
    """A setting that openedx-filters cannot use is left to it."""
    lms = SimpleNamespace(OPEN_EDX_FILTERS_CONFIG=["nonsense"])
    add_steps(lms)
    assert lms.OPEN_EDX_FILTERS_CONFIG == ["nonsense"]
