"""What can be declared, and what cannot."""

from typing import Any

import msgspec
import pytest

from tests.webfilters.tools import ENROLLMENT, PreventEnrollment, declare
from trackside.errors import ConfigurationError
from trackside.webfilters import POINTS, FilterPoint, RedirectUrl, Stops, webfilter


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
