"""Who acts in a request whose view authenticates by itself, as those of an API do."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse

from tests.django.conftest import Emitted, MakeRequest, Somebody
from trackside.django.acting_user import CURRENT, name_acting_user
from trackside.django.middleware import TrackMiddleware
from trackside.tracker import emit


class Service:
    """The account of a system that uses the API."""

    pk = 42
    username = "crm_service"


def said_of(request: HttpRequest, emitted: Emitted, user: Any) -> tuple[Any, str]:
    """Return whom an event names that is emitted after a view has made out this user."""

    def view(request: HttpRequest) -> HttpResponse:
        request.user = user
        name_acting_user()
        return HttpResponse(emit("something", {}) or "")

    TrackMiddleware(view)(request)
    context = emitted[-1]["context"]
    return context["user_id"], context["username"]


def test_the_view_found_out(emitted: Emitted, make_request: MakeRequest) -> None:
    """Whom the middleware could not know is named; afterwards nothing of the request is left."""
    assert said_of(make_request(), emitted, Service) == (42, "crm_service")
    assert CURRENT.get() is None
    name_acting_user()


def test_whom_the_session_named_stays(emitted: Emitted, make_request: MakeRequest) -> None:
    """A request may go on in the name of another one."""
    assert said_of(make_request(user=Somebody), emitted, Service) == (7, "honor")


def test_in_the_name_of_a_learner(emitted: Emitted, make_request: MakeRequest) -> None:
    """Staff who look at a course as a learner are who acts."""
    learner = SimpleNamespace(pk=9, username="zoe", real_user=Service)
    assert said_of(make_request(), emitted, learner) == (42, "crm_service")


class Unreadable:
    """Somebody who cannot be told."""

    @property
    def pk(self) -> int:
        """Raise what a database does."""
        raise RuntimeError


@pytest.mark.parametrize("user", [None, SimpleNamespace(pk=None, username=""), Unreadable()])
def test_nobody(emitted: Emitted, make_request: MakeRequest, user: Any) -> None:
    """Whoever is nobody, or cannot be told, leaves the context as it was."""
    assert said_of(make_request(), emitted, user) == (None, "")
