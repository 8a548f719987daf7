"""What a webhook can be told, and what is wrong with what it is told."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from trackside.delivery.schedule import schedule_of
from trackside.destinations.webhook import WebhookSettings, connector, problems
from trackside.errors import ConfigurationError
from trackside.hub import load_config

GOOD = {"url": "https://crm.example.org/events"}


def settings_of(**given: Any) -> WebhookSettings:
    return msgspec.convert({**GOOD, **given}, WebhookSettings)


def test_the_defaults() -> None:
    """Only the URL has to be said."""
    settings = settings_of()
    assert list(problems(settings)) == []
    assert (settings.method, settings.format, settings.concurrency, settings.secrets) == (
        "POST",
        "json",
        8,
        (),
    )
    assert schedule_of(settings).max_attempts == 20


def test_an_explicit_schedule() -> None:
    """The waits listed are the waits; there is one attempt more."""
    schedule = schedule_of(settings_of(retry_schedule_s=[5, 300, 1800]))
    assert (schedule.delays_s, schedule.max_attempts) == ((5, 300, 1800), 4)


@pytest.mark.parametrize(
    ("given", "begins"),
    [
        ({"url": "https://user:pass@x.org/"}, "url cannot be asked: it holds a user name or a password"),
        ({"url": "https://x.org/#part"}, "url cannot be asked: it holds a fragment"),
        ({"url": "https://x.org:25/"}, "url cannot be asked: its port 25"),
        ({"url": "https://x.org/a b"}, "url cannot be asked: it holds a space"),
        ({"url": "https://x.org/" + "a" * 2_100}, "url cannot be asked: it is longer"),
        ({"url": "https://bücher.example\u200d/"}, "url cannot be asked: its host"),
        ({"secret": "whsec_c2hvcnQ="}, "secret: a secret is not good"),
        ({"secret": ["hunter2" * 4]}, "secret: a secret is not good"),
        ({"where": {"properties.x": "1"}}, "where has the path 'properties.x'; want one that begins with"),
        ({"fields": ["data.x", "nothing"]}, "fields has the path 'nothing'"),
        ({"redact": ["("]}, "redact: pattern '(' is no regular expression"),
        ({"allow": ["10.0.0.0/33"]}, "allow: '10.0.0.0/33' is not to be allowed"),
        ({"headers": {"webhook-id": "x"}}, "headers: headers has webhook-id, which receivers rely on"),
        ({"headers": {"Content-Type": "x"}}, "headers: headers has Content-Type"),
        ({"headers": {"X-A": "a\r\nX-B: b"}}, "headers: headers: the value of X-A holds a line break"),
        ({"headers": {"Host": "x"}}, "headers: headers: Host is set by the client itself"),
        ({"bearer_token": "a b"}, "headers: a destination's token is not good"),
        ({"bearer_token": "a", "basic_username": "b"}, "headers: bearer_token and basic_username are given"),
        ({"headers": {"authorization": "x"}, "bearer_token": "a"}, "headers: bearer_token and headers.Auth"),
        ({"proxy": "socks5://me:hunter2@proxy:1080"}, "proxy: the proxy's URL is none of a proxy"),
        ({"oauth_token_url": "https://x.org/token"}, "headers: client_id is empty"),
    ],
)
def test_problems(given: dict[str, Any], begins: str) -> None:
    """Fault 17 and others: what could not be sent is told before anything is, and no secret is in it."""
    (problem,) = problems(settings_of(**given))
    assert problem.startswith(begins)
    assert "hunter2" not in problem


def test_problems_are_told_with_all_others(tmp_path: Path) -> None:
    """The configuration as a whole names the destination and its setting."""
    file = tmp_path / "trackside.toml"
    file.write_text(
        "[destinations.crm]\nkind = 'webhook'\nurl = 'https://x.org:25/'\nsecret = 'whsec_x'\n"
        "[destinations.other]\nkind = 'webhook'\nurl = 'https://x.org/'\nfields = ['x']\n"
    )
    with pytest.raises(ConfigurationError) as raised:
        load_config(file, environ={})
    lines = str(raised.value).split("\n")
    assert [line.partition(" ")[0] for line in lines] == [
        "destinations.crm.url",
        "destinations.crm.secret:",
        "destinations.other.fields",
    ]


def test_all_of_it_in_a_file(tmp_path: Path) -> None:
    """The names and shapes of the documentation are read."""
    file = tmp_path / "trackside.toml"
    file.write_text(
        """
[destinations.crm]
kind = "webhook"
url = "https://crm.example.org/events"
secret = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
events = ["edx.course.enrollment.*"]
format = "cloudevents"
where = { "context.course_id" = "course-v1:edX+*", "type" = ["track", "page"] }
fields = ["data", "user_id"]
redact = ["email"]
headers = { X-Tenant = "7" }
retry_schedule_s = [5, 300, 1800]
rate_per_s = 2.5
ordering = "user"
allow = ["10.3.0.0/16", "crm.internal"]
"""
    )
    settings = load_config(file, environ={}).config.destinations["crm"]
    assert isinstance(settings, WebhookSettings)
    assert settings.where == {"context.course_id": "course-v1:edX+*", "type": ("track", "page")}
    assert (settings.headers, settings.retry_schedule_s) == ({"X-Tenant": "7"}, (5.0, 300.0, 1800.0))


def test_certificates_that_are_not_there(tmp_path: Path) -> None:
    """A file that cannot be read is told by its setting, when the server starts."""
    with pytest.raises(ConfigurationError, match="ca_file"):
        connector(settings_of(tls_ca_file="nothing.pem"), tmp_path, user_agent="x")
