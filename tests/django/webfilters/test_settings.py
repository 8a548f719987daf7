"""`settings.TRACKSIDE["webfilters"]`: what it may say, what is told where it is wrong, and who is asked then."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from tests.webfilters.test_over_http import running, saying
from tests.webfilters.tools import DATA, ENROLLMENT, Asked, PreventEnrollment, hook
from trackside.django.checks import check_settings
from trackside.django.webfilters.checks import check_webfilters
from trackside.django.webfilters.installing import install
from trackside.django.webfilters.models import Webfilter
from trackside.django.webfilters.settings import Given, WebfilterSettings, read
from trackside.testing import assert_emitted, capture_events
from trackside.webfilters import ASKED, Hook, Rules, installed, webfilter
from trackside.webfilters import install as ask_these

SHOP: dict[str, Any] = {
    "point": ENROLLMENT.name,
    "url": "https://shop.example.org/",
    "on_failure": "fail_closed",
}


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = installed()
    yield
    ask_these(before)


def given(**webfilters: Any) -> SimpleNamespace:
    """Return Django settings that say this."""
    return SimpleNamespace(TRACKSIDE={"webfilters": webfilters})


def test_everything_has_a_default() -> None:
    """No hooks; the budget of the library."""
    assert read(SimpleNamespace()) == (Given(), [])
    assert Given().settings.rules == Rules(ask_in_transaction=False)


def test_what_is_given_counts() -> None:
    """Hooks by name, rules of single points on top of those of all."""
    found, problems = read(
        given(
            budget_s=0.5,
            chained=False,
            emit=False,
            allow=["10.3.0.0/16"],
            hooks={"shop": SHOP},
            points={ENROLLMENT.name: {"budget_s": 0.2}},
        )
    )
    assert problems == []
    assert found.settings == WebfilterSettings(
        budget_s=0.5, chained=False, emit=False, allow=("10.3.0.0/16",)
    )
    assert found.hooks == (Hook(name="shop", **SHOP),)
    assert found.rules_of == {ENROLLMENT.name: Rules(budget_s=0.2, chained=False)}


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"webfilters": 7}, "TRACKSIDE['webfilters'] is 7; want a dict"),
        (
            {"webfilters": {"budget": 1}},
            "TRACKSIDE['webfilters']: budget is not a setting; did you mean budget_s?",
        ),
        ({"webfilters": {"budget_s": 0}}, "TRACKSIDE['webfilters']: budget_s is 0; want 0.01 to 30 seconds"),
        ({"webfilters": {"hooks": []}}, "TRACKSIDE['webfilters']['hooks'] is no dict; want names and dicts"),
        (
            {"webfilters": {"hooks": {"a": 1}}},
            "TRACKSIDE['webfilters']['hooks']['a'] is no dict; want settings by name",
        ),
        (
            {"webfilters": {"hooks": {"shop": {**SHOP, "mode": "obey"}}}},
            "TRACKSIDE['webfilters']['hooks']['shop']: mode is 'obey'; want \"enforce\" or \"off\" or \"shadow\"",
        ),
        (
            {"webfilters": {"points": {"x": {"budget_s": 99}}}},
            "TRACKSIDE['webfilters']['points']['x']: budget_s is 99; want 0.01 to 30 seconds",
        ),
    ],
)
def test_what_is_wrong_is_told(said: dict[str, Any], problem: str, settings: Settings) -> None:
    """One sentence each, by the checks too; a project does not start with it."""
    assert read(SimpleNamespace(TRACKSIDE=said))[1] == [problem]
    settings.TRACKSIDE = said
    assert problem in [message.msg for message in check_settings()]
    with pytest.raises(ImproperlyConfigured, match="TRACKSIDE"):
        install()


def test_a_network_that_is_none_is_told() -> None:
    """Before anybody is asked."""
    found, problems = read(given(allow=["10.3.0.0/99"]))
    assert [each.partition(":")[0] for each in problems] == ["TRACKSIDE['webfilters']['allow']"]
    assert found.settings == WebfilterSettings()


def test_a_hook_for_a_point_that_nobody_declares_is_told(settings: Settings) -> None:
    """It would wait for ever; one by a glob that matches a point is good."""
    settings.TRACKSIDE = {
        "webfilters": {
            "hooks": {"shop": {**SHOP, "point": "enrolment.requested"}, "good": {**SHOP, "point": "test.*"}}
        }
    }
    [message] = check_webfilters()
    assert message.id == "trackside.W011"
    assert "The hook shop is for enrolment.requested" in message.msg


def test_rules_of_a_point_that_nobody_declares_are_told(settings: Settings) -> None:
    """A name with a mistake in it would leave the point with its locks and its time as they were."""
    points = {"enrolment.requested": {"ask_in_transaction": False}, ENROLLMENT.name: {"budget_s": 3}}
    settings.TRACKSIDE = {"webfilters": {"points": points}}
    [message] = check_webfilters()
    assert message.id == "trackside.W011"
    assert "['points'] has rules for 'enrolment.requested'" in message.msg


def test_the_hooks_of_the_settings_are_asked(settings: Settings) -> None:
    """Over HTTP, from this machine where that is allowed; each question is an event."""
    with running(saying(b'{"data": {"mode": "verified"}}')) as server:
        hooks = {"shop": {**SHOP, "url": server.url()}}
        settings.TRACKSIDE = {"webfilters": {"allow": ["127.0.0.0/8"], "hooks": hooks}}
        install()
        with capture_events() as events:
            assert webfilter(ENROLLMENT, data=DATA).changes == {"mode": "verified"}
        event = assert_emitted(ASKED, {"point": ENROLLMENT.name, "decision": "changed"}, events=events)
        assert [*event["data"]["patch"]] == [{"path": "mode", "value": "verified"}]
        settings.TRACKSIDE = {"webfilters": {"emit": False, "hooks": hooks}}
        with capture_events() as events, pytest.raises(PreventEnrollment):
            webfilter(ENROLLMENT, data=DATA)  # this machine is not to be asked any more
        assert events == []
    settings.TRACKSIDE = {}
    assert installed() is None
    assert webfilter(ENROLLMENT, data=DATA).data is DATA


def test_what_code_has_installed_is_left_alone(settings: Settings) -> None:
    """Where the settings name no hooks."""
    mine = Asked(hook()).webfilters
    ask_these(mine)
    install()
    assert installed() is mine
    settings.TRACKSIDE = {"webfilters": {"budget_s": 0.1}}
    assert installed() is mine


def test_without_a_client_the_project_does_not_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hook that nobody can ask must not look like one that is."""

    def none(**_: object) -> None:
        raise ImportError("aiohttp")

    settings.TRACKSIDE = {}
    monkeypatch.setattr("trackside.django.webfilters.installing.BlockingClient", none)
    install()
    with pytest.raises(ImproperlyConfigured, match="pycurl or aiohttp"):
        settings.TRACKSIDE = {"webfilters": {"hooks": {"shop": SHOP}}}


@pytest.mark.django_db
def test_without_a_client_the_rows_of_the_database_fail_by_their_policy(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gate that is to be closed in doubt does not stand open."""

    def none(**_: object) -> None:
        raise ImportError("aiohttp")

    for module in ("installing", "clients"):
        monkeypatch.setattr(f"trackside.django.webfilters.{module}.BlockingClient", none)
    settings.TRACKSIDE = {}
    install()
    row = Webfilter.objects.create(name="gate", point=ENROLLMENT.name, url="https://x.example.org/")
    assert webfilter(ENROLLMENT, data=DATA).data is DATA
    row.on_failure = "fail_closed"
    row.save()
    with pytest.raises(PreventEnrollment):
        webfilter(ENROLLMENT, data=DATA)


def test_a_proxy_that_is_none_is_told(settings: Settings) -> None:
    """Before the project starts; what is secret in it is not shown."""
    install()
    with pytest.raises(ImproperlyConfigured, match=r"TRACKSIDE\['webfilters'\]: ") as told:
        settings.TRACKSIDE = {"webfilters": {"proxy": "ftp://user:SECRET@x", "hooks": {"shop": SHOP}}}
    assert "SECRET" not in str(told.value)
