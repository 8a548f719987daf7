"""The middleware: the context of a request, the event it is, and what no request may do to it."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from hypothesis import HealthCheck, given
from hypothesis import settings as tried
from hypothesis import strategies as st
from pytest_django import Settings

from tests.django.conftest import Emitted, MakeRequest, Somebody
from trackside.django.event_transaction import create_new_event_transaction_id, get_event_transaction_id
from trackside.django.middleware import TrackMiddleware
from trackside.tracker import TRACKERS, emit, get_tracker

COURSE = {"course_id": "course-v1:edX+DemoX+2024", "org_id": "edX", "enterprise_uuid": ""}


def run(request: HttpRequest, view: Any = None) -> HttpResponse:
    response = TrackMiddleware(view or (lambda _: HttpResponse("fine")))(request)
    assert isinstance(response, HttpResponse)
    return response


def test_the_context_of_a_request(emitted: Emitted, make_request: MakeRequest) -> None:
    """Every field, in order, as analysts know them."""
    request = make_request(
        user=Somebody,
        session_key="665924b49a93e22b46ee9365abf28c2a",
        REMOTE_ADDR="203.0.113.7",
        SERVER_NAME="lms.example.org",
        HTTP_HOST="lms.example.org",
        HTTP_USER_AGENT="Mozilla/5.0",
        HTTP_REFERER="https://lms.example.org/dashboard",
        HTTP_ACCEPT_LANGUAGE="en-US,en;q=0.9",
        HTTP_COOKIE="_ga=GA1.2.1033501218.1368477899",
    )
    run(request, lambda _: HttpResponse(emit("something", {"a": 1}) or ""))
    assert list(emitted[1]["context"].items()) == [
        ("session", "b4103566fc80d20da1970cbb4380bccd"),
        ("user_id", 7),
        ("username", "honor"),
        ("ip", "203.0.113.7"),
        ("host", "lms.example.org"),
        ("agent", "Mozilla/5.0"),
        ("path", "/courses/course-v1:edX+DemoX+2024/info"),
        ("referer", "https://lms.example.org/dashboard"),
        ("accept_language", "en-US,en;q=0.9"),
        ("client_id", "1033501218.1368477899"),
        *COURSE.items(),
    ]
    assert emitted[1]["data"] == {"a": 1}


def test_a_request_that_tells_nothing(emitted: Emitted) -> None:
    """Without session, user, headers and address each field is empty."""
    request = RequestFactory().get("/somewhere")
    for name in ("REMOTE_ADDR", "HTTP_COOKIE"):
        del request.META[name]
    run(request)
    context = emitted[0]["context"]
    assert (context["session"], context["user_id"], context["ip"], context["client_id"]) == ("", "", "", None)
    assert (context["agent"], context["referer"], context["accept_language"]) == ("", "", "")
    assert (context["course_id"], context["org_id"], context["enterprise_uuid"]) == ("", "", "")
    assert context["username"] == "anonymous"


def test_nobody_logged_in_has_no_id(emitted: Emitted, make_request: MakeRequest) -> None:
    run(make_request())
    assert emitted[0]["context"]["user_id"] is None
    assert emitted[0]["context"]["username"] == ""


def test_the_client_id_may_come_in_a_header(emitted: Emitted, make_request: MakeRequest) -> None:
    run(make_request(HTTP_X_EDX_GA_CLIENT_ID="a.b"))
    assert emitted[0]["context"]["client_id"] == "a.b"


def test_the_client_id_is_in_cookies_that_somebody_has_read(
    emitted: Emitted, make_request: MakeRequest
) -> None:
    request = make_request()
    request.COOKIES["_ga"] = "GA1.2.A.B"
    run(request)
    assert emitted[0]["context"]["client_id"] == "A.B"


def test_a_request_is_an_event(emitted: Emitted, make_request: MakeRequest) -> None:
    """Its name is its path, its data its parameters as JSON text."""
    run(make_request("/user_api/password/", {"email": "a@b.c"}, method="post", user=Somebody))
    (event,) = emitted
    assert event["name"] == "/user_api/password/"
    assert event["data"] == '{"GET": {}, "POST": {}}'
    assert event["context"]["event_source"] == "server"
    assert event["context"]["page"] is None


@pytest.mark.parametrize(
    "path",
    ["/event", "/events/x", "/login_ajax", "/heartbeat", "/segmentio/event", "/performance"],
)
def test_ignored_paths_have_a_context_and_are_no_events(
    path: str, emitted: Emitted, make_request: MakeRequest
) -> None:
    run(make_request(path), lambda _: HttpResponse(emit("inner") or ""))
    assert [event["name"] for event in emitted] == ["inner"]
    assert emitted[0]["context"]["path"] == path


def test_other_paths_are_ignored_by_a_setting(
    emitted: Emitted, make_request: MakeRequest, settings: Settings
) -> None:
    settings.TRACKING_IGNORE_URL_PATTERNS = [r"^/quiet"]
    for path in ("/quiet/place", "/event"):
        run(make_request(path))
    assert [event["name"] for event in emitted] == ["/event"]


def test_requests_as_events_can_be_switched_off(
    emitted: Emitted, make_request: MakeRequest, settings: Settings
) -> None:
    settings.TRACKSIDE = {"requests": {"emit": False}}
    run(make_request())
    assert emitted == []


def test_the_context_ends_with_the_request(emitted: Emitted, make_request: MakeRequest) -> None:
    """Also where the view raises; so does its event transaction."""

    def view(_: HttpRequest) -> HttpResponse:
        create_new_event_transaction_id()
        raise LookupError("the view's own")

    with pytest.raises(LookupError):
        run(make_request(), view)
    emit("after")
    assert emitted[-1]["context"] == {}
    assert get_event_transaction_id() is None


def test_a_nested_context_of_the_same_name_is_undone(emitted: Emitted, make_request: MakeRequest) -> None:
    with get_tracker().context("edx.request", {"outer": 1}):
        run(make_request())
        emit("after")
    assert emitted[-1]["context"] == {"outer": 1}


def test_without_a_tracker_requests_go_on(emitted: Emitted, make_request: MakeRequest) -> None:
    TRACKERS.clear()
    assert run(make_request()).content == b"fine"


class _Broken:
    """A user whose database is away."""

    @property
    def pk(self) -> int:
        raise ConnectionError("the database is away")

    username = pk


def test_a_user_who_cannot_be_loaded_costs_nothing(emitted: Emitted, make_request: MakeRequest) -> None:
    assert run(make_request(user=_Broken())).content == b"fine"
    assert emitted[0]["context"]["user_id"] == ""
    assert emitted[0]["context"]["username"] == "anonymous"


class _Mailed:
    """A user of a site whose users have no field `username`."""

    pk = 8

    def get_username(self) -> str:
        return "a@b.c"


def test_users_of_another_model(emitted: Emitted, make_request: MakeRequest) -> None:
    run(make_request(user=_Mailed()))
    assert emitted[0]["context"]["username"] == "a@b.c"


def test_a_host_that_is_refused_costs_nothing(emitted: Emitted, make_request: MakeRequest) -> None:
    assert run(make_request(HTTP_HOST="evil.example.com")).content == b"fine"
    assert emitted[0]["context"]["course_id"] == COURSE["course_id"]


def test_a_payload_that_cannot_be_made_is_told(
    emitted: Emitted, make_request: MakeRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: HttpRequest) -> str:
        raise ArithmeticError

    monkeypatch.setattr("trackside.django.middleware.request_payload", fail)
    assert run(make_request()).content == b"fine"
    assert emitted[0]["data"] == {"event-type": "exception", "exception": "<class 'ArithmeticError'>"}


def test_staff_reading_the_logs_is_no_event(
    emitted: Emitted, make_request: MakeRequest, settings: Settings
) -> None:
    settings.TRACKING_IGNORE_URL_PATTERNS = []

    class Staff(Somebody):
        is_staff = True

    run(make_request("/event_logs/x", user=Staff))
    run(make_request("/event_logs/x", user=Somebody))
    assert len(emitted) == 1


def test_interleaved_asyncio_requests_keep_their_contexts(emitted: Emitted) -> None:
    """Each event carries its own request's context, however the requests take turns on one thread."""

    async def view(request: HttpRequest) -> HttpResponse:
        for step in range(5):
            await asyncio.sleep(0)
            emit("step", {"path": request.path, "step": step})
            await asyncio.to_thread(emit, "threaded", {"path": request.path})
        await asyncio.gather(*(_emit_later(request.path) for _ in range(3)))
        return HttpResponse("fine")

    async def _emit_later(path: str) -> None:
        await asyncio.sleep(0)
        emit("task", {"path": path})

    async def main() -> None:
        middleware = TrackMiddleware(view)
        responses = await asyncio.gather(
            *(middleware(RequestFactory().get(f"/page/{n}")) for n in range(20))  # type: ignore[arg-type]
        )
        assert all(response.status_code == 200 for response in responses)

    asyncio.run(main())
    inner = [event for event in emitted if isinstance(event["data"], dict)]
    assert len(inner) == 20 * 13
    assert all(event["data"]["path"] == event["context"]["path"] for event in inner)
    emit("after")
    assert emitted[-1]["context"] == {}


def test_threads_keep_their_contexts(emitted: Emitted) -> None:
    barrier = threading.Barrier(8)

    def view(request: HttpRequest) -> HttpResponse:
        barrier.wait(10)
        emit("inner", {"path": request.path})
        barrier.wait(10)
        return HttpResponse("fine")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: run(RequestFactory().get(f"/page/{n}"), view), range(32)))
    inner = [event for event in emitted if event["name"] == "inner"]
    assert len(inner) == 32
    assert all(event["data"]["path"] == event["context"]["path"] for event in inner)


def test_an_asynchronous_user_is_awaited(emitted: Emitted) -> None:
    request = RequestFactory().get("/page")

    async def find() -> Somebody:
        return Somebody()

    request.auser = find  # type: ignore[assignment]

    async def view(_: HttpRequest) -> HttpResponse:
        return HttpResponse("fine")

    async def main() -> None:
        await TrackMiddleware(view)(request)  # type: ignore[misc]

    asyncio.run(main())
    assert emitted[0]["context"]["user_id"] == 7
    assert emitted[0]["context"]["username"] == "honor"
    assert json.loads(emitted[0]["data"]) == {"GET": {}, "POST": {}}


ODD = st.one_of(st.none(), st.text(max_size=50), st.binary(max_size=50), st.integers())
NAMES = st.sampled_from(
    [
        "PATH_INFO", "QUERY_STRING", "CONTENT_TYPE", "CONTENT_LENGTH", "REMOTE_ADDR", "SERVER_NAME", "HTTP_COOKIE",
        "HTTP_HOST", "HTTP_USER_AGENT", "HTTP_REFERER", "HTTP_X_FORWARDED_FOR", "HTTP_X_EDX_GA_CLIENT_ID",
    ]
)  # fmt: skip


@tried(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(NAMES, ODD), st.binary(max_size=200), st.sampled_from(["get", "post", "put"]))
def test_nothing_in_a_request_costs_it(
    emitted: Emitted, make_request: MakeRequest, headers: dict[str, Any], body: bytes, method: str
) -> None:
    """Whatever stands where a server puts texts, and in the body."""
    request = RequestFactory().generic(method.upper(), "/x", body, "application/x-www-form-urlencoded")
    request.META.update(headers)
    emitted.clear()
    assert run(request).content == b"fine"
    assert len(emitted) <= 1
    emit("after")
    assert emitted[-1]["context"] == {}
