"""What can be declared, and what cannot."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import pytest

from tests.webfilters.tools import DATA, ENROLLMENT, Asked, PreventEnrollment, changes, declare, hook
from trackside.errors import ConfigurationError
from trackside.webfilters import POINTS, FilterPoint, RedirectUrl, Stops, webfilter
from trackside.webfilters.points import Unfit, withdraw


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        ({"sends": {"a": int}, "changes": {"b": int}}, "does not send b"),
        ({"sends": {"a": dict}, "changes": {"a": dict, "a.b": int}}, "lies in it"),
        ({"sends": {"event_metadata": dict}}, "event_metadata"),
        ({"sends": {"a": int}, "changes": {"a": list[int] | set[int]}}, "cannot be checked"),
        ({"sends": {}, "changes": {"x.y": int}}, "does not send x"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(parts: dict[str, Any], what: str) -> None:
    """At once, where the module is loaded."""
    with pytest.raises(ConfigurationError, match=what):
        declare("test.bad", **parts)
    assert "test.bad" not in POINTS


def test_a_name_is_declared_once() -> None:
    """Two points of one name would mix their hooks."""
    with pytest.raises(ConfigurationError, match="declared twice"):
        FilterPoint(ENROLLMENT.name, sends={})


def test_a_name_nobody_declared_is_told() -> None:
    """With those that there are."""
    with pytest.raises(ConfigurationError, match=r"no filter point 'enrolment'.*test\.enrollment\.requested"):
        webfilter("enrolment", data={})


def test_an_exception_field_of_a_type_nobody_can_check_is_refused() -> None:
    """At the declaration, not at the first answer."""
    with pytest.raises(ConfigurationError, match="the field x"):
        Stops(PreventEnrollment, fields={"x": list[int] | set[int]})


@pytest.mark.parametrize(
    "url", ["/", "/a/b?next=%2Fx#y", "https://x.example.org", "http://x.example.org:8000/a?b=c"]
)
def test_where_a_browser_may_be_sent(url: str) -> None:
    """A path of this site, or an http(s) URL."""
    assert msgspec.convert(url, RedirectUrl) == url


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "a/b",
            "//evil.example.org",
            "/\\evil.example.org",
            "https:/x",
            "https://",
            "https:///x",
            "ftp://x/",
        ),
        *(
            "javascript:alert(1)",
            "JavaScript://x/%0aalert(1)",
            "data:text/html,x",
            "/a b",
            "/a\tb",
            "/a\r\nb",
            "/a\n",
        ),
        *("https://x\\@y/", "/\x00", "/\x85", " /", "/" + "x" * 2_048),
    ],
)
def test_where_a_browser_may_not_be_sent(url: str) -> None:
    """No other scheme, no other site in the form of a path, no control character."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(url, RedirectUrl)


def test_what_an_exception_needs() -> None:
    """An answer has to say it; a hook's failure raises the exception without."""
    point = declare(
        "test.required",
        exceptions={
            "Elsewhere": Stops(
                PreventEnrollment, fields={"redirect_to": RedirectUrl}, required=["redirect_to"]
            )
        },
    )
    [stops] = point.exceptions.values()
    for said in (None, "No", {}, {"message": "No"}):
        with pytest.raises(Unfit, match="has no redirect_to"):
            stops.checked(said)
    assert stops.checked({"redirect_to": "/x"}) == {"redirect_to": "/x"}
    assert isinstance(stops.make({}), PreventEnrollment)


def test_a_point_may_judge() -> None:
    """What it refuses is an answer that cannot be used; it sees changes in their types, and only those."""

    class Judging(FilterPoint):
        """Takes no other year than one."""

        def judge(self, changes: Mapping[str, Any]) -> None:
            """Refuse."""
            judged.append(changes)
            if changes["user"]["born_at"].year != 1990:
                raise Unfit("user.born_at is another year")

    judged: list[Mapping[str, Any]] = []
    withdraw("test.judging")
    point = Judging(
        "test.judging", sends={"user": dict}, changes={"user.born_at": datetime, "user.name": str}
    )
    data = {"user": {"born_at": "1980-01-01T00:00:00", "name": "Ada"}}
    for year in ("1990", "1991"):
        said = changes(user={"born_at": f"{year}-01-01T00:00:00", "name": "Ada"})
        asked = Asked(hook(point=point.name), crm=said)
        asked.ask(data, point)
        outcome = asked.last.hooks[0]
        assert (outcome.outcome, outcome.reason) == (
            ("changed", None) if year == "1990" else ("failed", "user.born_at is another year")
        )
    assert [list(each["user"]) for each in judged] == [["born_at"]] * 2


def test_what_is_sent_back_is_no_change() -> None:
    """A receiver may answer all that it was sent, with one thing different: that is what it changes."""
    asked = Asked(hook(), crm=changes(**{**DATA, "user": {**DATA["user"], "first_name": "Eve"}}))
    result = asked.ask()
    assert result.changes == {"user": {"first_name": "Eve"}}
    assert asked.last.decision == "changed"
