"""What `manage.py check` says of a project."""

import inspect
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from django.test.utils import modify_settings
from django.urls import include, path, re_path
from django.views.decorators.cache import never_cache
from pytest_django import Settings

from trackside.backends.logger import LoggerBackend
from trackside.django import checks
from trackside.django.middleware import TrackMiddleware
from trackside.django.views import segmentio_event
from trackside.django.webfilters import checks as of_webfilters
from trackside.routing import RoutingBackend
from trackside.tracker import TRACKERS, Tracker

OURS = checks.MIDDLEWARE


def said(check: Callable[..., Iterator[CheckMessage]]) -> list[tuple[str | None, str]]:
    return [(message.id, message.msg) for message in check()]


def test_they_are_registered() -> None:
    """A site that is right hears nothing."""
    assert run_checks(tags=["trackside"]) == []


def test_every_message_has_an_id_and_a_hint(settings: Settings) -> None:
    settings.TRACKSIDE = {"nonsense": 1, "outbox": {"nonsense": 1}}
    settings.TRACKING_BACKENDS = {"x": {"ENGINE": "no.such"}}
    settings.TRACKING_BACKEND = {}
    messages = run_checks(tags=["trackside"])
    assert sorted(str(message.id) for message in messages) == [
        "trackside.E001",
        "trackside.E001",
        "trackside.E004",
        "trackside.W001",
        "trackside.W002",
    ]
    assert all(message.hint for message in messages)


def test_a_name_like_a_setting(settings: Settings) -> None:
    settings.EVENT_TRACKING_BACKEND = {}
    settings.TRACKING_SEGMENTIO_SOURCE_MAP = {}
    settings.TRACKING_SOMETHING_ELSE = {}
    assert said(checks.check_settings) == [
        (
            "trackside.W001",
            "EVENT_TRACKING_BACKEND is read by nobody; did you mean EVENT_TRACKING_BACKENDS?",
        )
    ]


def test_the_middleware_belongs_after_what_it_needs(settings: Settings) -> None:
    settings.TRACKSIDE = {}
    assert [each for each, _ in said(checks.check_middleware)] == ["trackside.W002"]
    with modify_settings(MIDDLEWARE={"prepend": OURS}):
        assert [each for each, _ in said(checks.check_middleware)] == ["trackside.E002", "trackside.E002"]
    with modify_settings(MIDDLEWARE={"append": OURS}):
        assert said(checks.check_middleware) == []
    settings.TRACKSIDE = {"tracker": {"enabled": False}}
    assert said(checks.check_middleware) == []


class Derived(TrackMiddleware):
    """A site's own."""


def test_a_derived_middleware_will_do(settings: Settings) -> None:
    settings.TRACKSIDE = {}
    with modify_settings(MIDDLEWARE={"append": ["no.such.Middleware", f"{__name__}.Derived"]}):
        assert said(checks.check_middleware) == []


def test_keys_of_the_command_line_are_checked_too(settings: Settings) -> None:
    settings.TRACKSIDE = {"destinations": {"crm": {"kind": "nonsense"}}}
    (message,) = said(checks.check_settings)
    assert message[0] == "trackside.E001"
    assert "destinations.crm.kind is 'nonsense'" in message[1]


def test_every_id_is_in_the_reference() -> None:
    source = inspect.getsource(checks) + inspect.getsource(of_webfilters)
    used = set(re.findall(r'id="(trackside\.\w+)"', source))
    assert used == set(checks.CHECKS)


def asynchronous(name: str | None) -> dict[str, Any]:
    return {
        "ENGINE": "eventtracking.backends.async_routing.AsyncRoutingBackend",
        "OPTIONS": {"backend_name": name} if name else {},
    }


@pytest.mark.parametrize(
    ("tree", "found"),
    [
        ({"celery": asynchronous("celery")}, 0),
        ({"celery": asynchronous("other")}, 1),
        ({"celery": asynchronous(None)}, 1),
        ({"a": {"ENGINE": "x", "OPTIONS": {"backends": {"celery": asynchronous("celery")}}}}, 1),
        ({"a": {"ENGINE": "x", "OPTIONS": None}, "b": "text"}, 0),
    ],
)
def test_workers_must_find_their_backend(tree: dict[str, Any], found: int, settings: Settings) -> None:
    settings.EVENT_TRACKING_BACKENDS = tree
    assert [each for each, _ in said(checks.check_async_backends)] == ["trackside.E003"] * found


def test_a_logger_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    logger = logging.getLogger("trackside.tests.unread")
    logger.propagate = False
    inner = RoutingBackend({"logger": LoggerBackend("trackside.tests.unread")})
    monkeypatch.setitem(TRACKERS, "default", Tracker({"logs": inner}))
    assert [each for each, _ in said(checks.check_loggers)] == ["trackside.W003"]
    logger.addHandler(logging.NullHandler())
    logger.setLevel(logging.WARNING)
    assert [each for each, _ in said(checks.check_loggers)] == ["trackside.W003"]
    logger.setLevel(logging.DEBUG)
    assert said(checks.check_loggers) == []


def test_a_write_key_without_the_library(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.LMS_SEGMENT_KEY = "key"
    assert said(checks.check_segment) == []
    monkeypatch.setattr(checks, "_is_installed", lambda _: False)
    assert [each for each, _ in said(checks.check_segment)] == ["trackside.W004"]


def _urlconf(settings: Settings, *patterns: Any) -> None:
    settings.ROOT_URLCONF = patterns


def test_a_secret_without_a_url(settings: Settings) -> None:
    """A URL is found wherever it stands, also behind a decorator."""
    settings.TRACKING_SEGMENTIO_WEBHOOK_SECRET = "x"
    _urlconf(settings)
    assert [each for each, _ in said(checks.check_webhook)] == ["trackside.W005"]
    _urlconf(settings, path("", include("trackside.django.urls")))
    assert said(checks.check_webhook) == []
    _urlconf(settings, path("a/", include([re_path("^b$", never_cache(segmentio_event))])))
    assert said(checks.check_webhook) == []


def test_a_webhook_without_a_secret(settings: Settings) -> None:
    """Who has said something of the webhook in TRACKSIDE wants it; the names of Open edX are there on every site."""
    settings.TRACKING_SEGMENTIO_WEBHOOK_SECRET = None
    settings.TRACKING_SEGMENTIO_ALLOWED_TYPES = ["track"]
    assert said(checks.check_webhook) == []
    settings.TRACKSIDE = {"segment_webhook": {"secret": None}}
    assert [each for each, _ in said(checks.check_webhook)] == ["trackside.W006"]
    settings.TRACKSIDE = {"segment_webhook": {"shared_secret": "s"}}
    assert [each for each, _ in said(checks.check_webhook)] == ["trackside.W005"]


def test_a_webhook_of_2014_without_backends(settings: Settings) -> None:
    settings.TRACKSIDE = {"segment_webhook": {"secret": "x", "generation": "2014"}}
    _urlconf(settings, path("", include("trackside.django.urls")))
    assert [each for each, _ in said(checks.check_webhook)] == ["trackside.W007"]
    settings.TRACKING_BACKENDS = {"logger": {}}
    assert said(checks.check_webhook) == []


def test_clients_that_are_trusted(settings: Settings) -> None:
    settings.TRACKSIDE = {
        "segment_webhook": {"secret": "x", "trust_client_context": True, "dedup_cache": "nocache"}
    }
    _urlconf(settings, path("", include("trackside.django.urls")))
    assert [each for each, _ in said(checks.check_webhook)] == ["trackside.E005", "trackside.W008"]


def test_a_key_that_events_would_show(settings: Settings) -> None:
    """The query is part of the event of a request; at the path of Open edX requests are none."""
    settings.TRACKING_SEGMENTIO_WEBHOOK_SECRET = "x"
    _urlconf(settings, path("hooks/", include("trackside.django.urls")))
    assert said(checks.check_webhook_key) == []
    with modify_settings(MIDDLEWARE={"append": OURS}):
        assert [each for each, _ in said(checks.check_webhook_key)] == ["trackside.W009"]
        settings.TRACKING_IGNORE_URL_PATTERNS = ["^/hooks/"]
        assert said(checks.check_webhook_key) == []


def test_a_urlconf_that_cannot_be_read_is_told_by_django(settings: Settings) -> None:
    settings.TRACKING_SEGMENTIO_WEBHOOK_SECRET = "x"
    settings.ROOT_URLCONF = "no.such"
    assert [each for each, _ in said(checks.check_webhook)] == ["trackside.W005"]
