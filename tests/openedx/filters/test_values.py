"""What may take the place of what."""

from collections import OrderedDict
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.utils.translation import gettext_lazy

from trackside.django.settings.filters import FilterSettings
from trackside.openedx.filters.names import is_identity, is_secret, is_url
from trackside.openedx.filters.rules import Rules, rules_of
from trackside.openedx.filters.values import alike, merged
from trackside.webfilters.points import Unfit

RULES = Rules()
AWARE = datetime(2026, 1, 2, tzinfo=UTC)
NAIVE = datetime(2026, 1, 2)  # noqa: DTZ001  # the platform has such too


@pytest.mark.parametrize(
    ("current", "value", "made"),
    [
        ("a", "b", "b"),
        (gettext_lazy("a"), "b", "b"),
        (True, False, False),
        (1, 2, 2),
        (1.5, 2, 2.0),
        (Decimal("1.50"), "2.25", Decimal("2.25")),
        (Decimal("1.50"), 2.25, Decimal("2.25")),
        (AWARE, "2026-05-06T07:08:09Z", datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)),
        (AWARE, "2026-05-06T07:08:09", datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)),
        (NAIVE, "2026-05-06T07:08:09+02:00", datetime(2026, 5, 6, 5, 8, 9)),  # noqa: DTZ001
        (date(2026, 1, 2), "2026-05-06", date(2026, 5, 6)),
        ({"a"}, ["b"], {"b"}),
        (frozenset("a"), ["b"], frozenset("b")),
        (["a"], ["b", 1, None], ["b", 1, None]),
        (("a",), ["b"], ("b",)),
        ([{"id": 5, "title": "a"}], [{"id": 5, "title": "b"}], [{"id": 5, "title": "b"}]),
        (None, {"a": [1]}, {"a": [1]}),
        (None, None, None),
    ],
)
def test_alike(current: Any, value: Any, made: Any) -> None:
    """A value becomes one of the kind that is there."""
    found = alike(current, value, ("field",), RULES)
    assert (type(found), found) == (type(made), made)


@pytest.mark.parametrize(
    ("current", "value"),
    [
        ("a", 1),
        ("a", None),
        (True, "true"),
        (True, 1),
        (1, True),
        (1, 1.5),
        (1.5, True),
        (Decimal(1), True),
        (Decimal(1), "NaN"),
        (Decimal(1), "much"),
        (Decimal(1), {}),
        (AWARE, None),
        (AWARE, "soon"),
        (AWARE, 5),
        (AWARE, "0001-01-01T00:00:00Z"),
        (AWARE, "9999-12-31T23:59:59Z"),
        (NAIVE, "0001-01-01T00:00:00"),
        (date(2026, 1, 2), "soon"),
        ({"a"}, "b"),
        ({"a"}, [[1]]),
        (["a"], "b"),
        ([object()], ["b"]),
        ([{"id": 5}], [{"id": 6}]),
        ([{"email": "a@example.org"}], [{"email": "b@example.org"}]),
        (object(), "b"),
        (object(), {"a": 1}),
        ("a", "javascript:alert(1)"),
        ("a", " \tJaVaScRiPt:alert(1)"),
        ("a", "data:text/html,x"),
        ("a", "<b>bold</b>"),
        ("a", "a\x00b"),
        ("a", "\ud800"),
        (None, {"a": {"password": "x"}}),
        (None, {"profile": [{"is_staff": True}]}),
    ],
)
def test_not_alike(current: Any, value: Any) -> None:
    """What is of another kind, says who somebody is or would run a script, is refused."""
    with pytest.raises(Unfit):
        alike(current, value, ("field",), RULES)


@pytest.mark.parametrize("name", ["url", "next", "homeUrl", "redirect_to", "href"])
def test_urls(name: str) -> None:
    """Fields that lead somewhere lead to http, https or a path, or nowhere."""
    for good in ("https://a.example.org/x", "/path", ""):
        assert alike("/x", good, (name,), RULES) == good
    for bad in ("//elsewhere", "ftp://a", "text", "https://a b"):
        with pytest.raises(Unfit):
            alike("/x", bad, (name,), RULES)


def test_merged() -> None:
    """Mappings are merged within mappings, in copies of their own class; all else stays the same object."""
    kept = object()
    current = OrderedDict({"kept": kept, "inner": {"a": 1, "deep": {"b": 2}}})
    made = merged(current, {"inner": {"deep": {"b": 3}}, "new": {"c": 1}}, ("context",), RULES)
    assert type(made) is OrderedDict
    assert made["kept"] is kept
    assert made == {"kept": kept, "inner": {"a": 1, "deep": {"b": 3}}, "new": {"c": 1}}
    assert current["inner"] == {"a": 1, "deep": {"b": 2}}


def test_what_an_operator_names() -> None:
    """A path that says who somebody is may be changed where it is named; a secret's never."""
    settings = FilterSettings(may_change={"a.*": ("context.email", "context.password")}, trusted_html=True)
    rules = rules_of("a.b", settings)
    assert merged({"email": "a"}, {"email": "b"}, ("context",), rules) == {"email": "b"}
    assert merged({}, {"title": "<b>x</b>"}, ("context",), rules) == {"title": "<b>x</b>"}
    for changes in ({"password": "x"}, {"username": "x"}, {"inner": {"email": "x"}}):
        with pytest.raises(Unfit):
            merged({}, changes, ("context",), rules)
    assert rules_of("other", settings) == Rules(trusted_html=True)


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "csrf_token",
        "csrfmiddlewaretoken",
        "activation_key",
        "api_key",
        "HTTP_COOKIE",
        "HTTP_AUTHORIZATION",
        "sessionid",
        "session_key",
        "confirm_activation_link",
        "oauth_state",
    ],
)
def test_d19_names_of_secrets(name: str) -> None:
    """They are known by more than a few exact names."""
    assert is_secret(name)


def test_names() -> None:
    """Of other fields none is a secret; some say who somebody is, or lead somewhere."""
    for name in ("title", "course_id", "mode", "state", "name", "country"):
        assert [is_secret(name), is_identity(name), is_url(name)] == [False] * 3
    for name in ("username", "user_id", "is_staff", "isSuperuser", "email", "id", "groups"):
        assert is_identity(name)
