"""What is wrong with a hook is told before it is asked."""

from typing import Any

import msgspec
import pytest

from tests.webfilters.tools import ENROLLMENT, PreventEnrollment, declare, hook
from trackside.webfilters import Hook, problems

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_a_good_hook_has_no_problems() -> None:
    """Every setting given."""
    good = hook(
        description="Asks the shop",
        order=-3,
        halt_on_4xx=True,
        redirect_on_4xx="/pay",
        halt_on_5xx=True,
        redirect_on_5xx="https://status.example.org/",
        halt_on_request_exception=True,
        on_failure="fail_closed",
        where={"course_id": "course-v1:edX+*", "user.email": "!*@example.org"},
        fields=("user.id", "mode"),
        may_change=("context.tab", "user", "mode"),
        secret=(KEY,),
        signed_replies=True,
        headers={"X-Tenant": "7"},
        bearer_token="secret",
        redact=("email",),
    )
    assert [*problems(good, ENROLLMENT)] == []


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"name": "", "url": "https://x.example.org/"}, "name is empty"),
        ({"url": "ftp://x.example.org"}, "url cannot be asked"),
        ({"url": "https://user:secret@x.example.org/"}, "url cannot be asked"),
        ({"fields": ("user.id", "password")}, "fields has the path 'password'"),
        ({"where": {"org": "edX"}}, "where has the path 'org'"),
        ({"may_change": ("user.email",)}, "may_change has the path 'user.email'"),
        ({"secret": "whsec_secret"}, "secret: a secret is not good"),
        ({"signed_replies": True}, "signed_replies is on and there is no secret"),
        ({"redact": ("(",)}, "redact: pattern"),
        ({"headers": {"Webhook-Id": "1"}}, "headers: headers has Webhook-Id"),
        ({"headers": {"X": "a\nb"}}, "headers: headers: the value of X"),
        ({"bearer_token": "a", "basic_username": "b"}, "want one way to authorize"),
        ({"redirect_on_4xx": "javascript:x"}, "redirect_on_4xx is nowhere to be sent"),
        ({"redirect_on_request_exception": "//evil"}, "redirect_on_request_exception is nowhere to be sent"),
    ],
)
def test_a_problem_is_one_sentence_that_names_the_setting(settings: dict[str, Any], what: str) -> None:
    """It begins with the setting, and holds no secret."""
    found = [*problems(hook(**settings), ENROLLMENT)]
    assert len(found) == 1
    assert what in found[0]
    assert "whsec_secret" not in found[0]


def test_what_a_point_cannot_do_is_told() -> None:
    """A point that cannot halt, and one whose exception redirects nobody."""
    no_halt = declare("test.no_halt", sends={"a": int})
    no_redirect = declare("test.no_redirect", sends={"a": int}, exceptions={"No": PreventEnrollment})
    closed = hook(on_failure="fail_closed", halt_on_5xx=True, redirect_on_5xx="/x")
    assert [each.partition(" ")[0] for each in problems(closed, no_halt)] == [
        "halt_on_5xx",
        "redirect_on_5xx",
        "on_failure",
    ]
    assert [each.partition(" ")[0] for each in problems(closed, no_redirect)] == ["redirect_on_5xx"]


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ({"mode": "obey"}, "mode"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"sample_share": 1.5}, "sample_share"),
        ({"halt_on_4XX": True}, "halt_on_4XX"),
        ({"enabled": "yes"}, "enabled"),
    ],
)
def test_a_hook_is_made_from_a_table(table: dict[str, Any], what: str) -> None:
    """Names, types and ranges are checked as those of every setting."""
    good = {"name": "crm", "point": "x", "url": "https://x.example.org/"}
    assert msgspec.convert(good, Hook).order == 0
    with pytest.raises(msgspec.ValidationError, match=what):
        msgspec.convert({**good, **table}, Hook)


def test_a_hook_shows_no_secret() -> None:
    """In a traceback or a log it is a name."""
    assert repr(hook(secret=KEY, bearer_token="token")) == "Hook('crm')"
