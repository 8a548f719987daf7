"""What tests of the Django side use: a tracker that collects, requests, and settings read anew for each test."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.http import HttpRequest
from django.test import RequestFactory
from pytest_django import Settings

from trackside.django.settings import reset
from trackside.tracker import TRACKERS, Tracker

Emitted = list[dict[str, Any]]
MakeRequest = Callable[..., HttpRequest]


class Collecting:
    """A backend that keeps what it gets."""

    mutates = False

    def __init__(self) -> None:
        self.events: Emitted = []

    def send(self, event: dict[str, Any]) -> None:
        """Keep `event`."""
        self.events.append(event)


@pytest.fixture(autouse=True)
def _settings_read_anew() -> Iterator[None]:
    reset()
    yield
    reset()


@pytest.fixture
def emitted() -> Iterator[Emitted]:
    """Return the list of what the default tracker's only backend gets."""
    collecting = Collecting()
    before = dict(TRACKERS)
    TRACKERS["default"] = Tracker({"collecting": collecting})
    yield collecting.events
    TRACKERS.clear()
    TRACKERS.update(before)


class Somebody:
    """A user who is logged in."""

    pk = 7
    username = "honor"
    is_staff = False


@pytest.fixture
def make_request(settings: Settings) -> MakeRequest:
    """Return a function that makes a request as it is after the session and authentication middleware."""
    settings.SECRET_KEY = "85920908f28904ed733fe576320db18cabd7b6cd"
    settings.ALLOWED_HOSTS = ["testserver", "lms.example.org"]

    def make(
        path: str = "/courses/course-v1:edX+DemoX+2024/info",
        data: Any = None,
        *,
        method: str = "get",
        user: Any = AnonymousUser,
        session_key: str | None = None,
        **extra: Any,
    ) -> HttpRequest:
        request: HttpRequest = getattr(RequestFactory(), method)(path, data, **extra)
        request.session = SessionStore(session_key)
        request.user = user() if isinstance(user, type) else user
        return request

    return make
