"""The webhook as a view: the same calls are taken, ignored and refused as by the server's source."""

import json
import math
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.cache.backends.locmem import LocMemCache
from django.core.handlers.wsgi import WSGIRequest
from django.test import AsyncClient, Client, RequestFactory
from pytest_django import Settings

from tests.django.conftest import Emitted
from tests.django.views.segmentio.conftest import PATH, post
from tests.sources.segment_webhook.requests import JSON, SECRET, Accounts, call, properties, source
from tests.sources.segment_webhook.requests import post as source_post
from tests.sources.segment_webhook.test_current import BAD_JSON, FORGED, IGNORED, QUERIES, REFUSED, TAKEN
from trackside.django.settings import current
from trackside.django.views import segmentio, segmentio_event
from trackside.emitted import encode_json
from trackside.emitted.identity import event_id
from trackside.telemetry import catalogue
from trackside.testing.source_contract import decode
from trackside.tracker import TRACKERS, Tracker

pytestmark = pytest.mark.usefixtures("site")

COUNTED = ("segmentio",)


@pytest.mark.parametrize(("body", "reason"), [row[1:] for row in REFUSED])
def test_what_cannot_be_an_event_is_counted(body: Any, reason: str, emitted: Emitted) -> None:
    """Nothing is emitted, and the sender is told nothing."""
    answer = post(body)
    assert (answer.status_code, answer.content, emitted) == (200, b"", [])
    assert catalogue.EVENTS_REJECTED.values() == {(*COUNTED, reason): 1.0}
    assert catalogue.REQUESTS.values() == {(*COUNTED, "200"): 1.0}


@pytest.mark.parametrize(("body", "word"), [row[1:] for row in IGNORED], ids=[row[0] for row in IGNORED])
def test_what_is_not_wanted_is_counted(body: Any, word: str, emitted: Emitted) -> None:
    """Nothing is emitted, and nothing is wrong."""
    answer = post(body)
    assert (answer.status_code, answer.content, emitted) == (200, b"", [])
    assert catalogue.EVENTS_IGNORED.values() == {(*COUNTED, word): 1.0}
    assert catalogue.EVENTS_REJECTED.values() == {}


@pytest.mark.parametrize("body", [row[1] for row in TAKEN], ids=[row[0] for row in TAKEN])
def test_what_is_taken_is_what_the_server_takes(body: Any, emitted: Emitted) -> None:
    """The same name, data and context; only what the request is known by is the middleware's to say."""
    answer = post(body)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    (event,) = emitted
    (theirs,) = decode(source(), source_post(body)).events
    assert (event["name"], event["data"]) == (theirs.name, theirs.decoded_data())
    context = json.loads(encode_json(event["context"]))
    assert context.items() <= theirs.decoded_context().items()
    assert context["username"] == "honor"


@pytest.mark.parametrize("body", BAD_JSON, ids=range(len(BAD_JSON)))
def test_bad_json_is_400(body: bytes, emitted: Emitted) -> None:
    """In the platform's words."""
    answer = post(body)
    assert (answer.status_code, json.loads(answer.content), emitted) == (400, {"error": "Invalid JSON"}, [])


@pytest.mark.parametrize("query", ["", "key=", "key=wrong", "key=%C3%A9", "key=%FF", "key=anything&key=no"])
def test_without_the_key_nothing_is_read(
    query: str, emitted: Emitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is 401 before anybody looks at the body, be it bad, deep or none."""
    monkeypatch.setattr(WSGIRequest, "body", property(lambda _: pytest.fail("the body was read")))
    for body in (b"{", b"[" * 10_000, call()):
        answer = post(body, query=query)
        assert (answer.status_code, answer.content) == (401, b"")
    assert emitted == []
    assert catalogue.EVENTS_REJECTED.values() == {(*COUNTED, "unauthorized"): 3.0}
    assert query.encode() in {*QUERIES, b"key=%FF", b"key=anything&key=no"}


@pytest.mark.parametrize("secret", [None, "", []])
def test_without_a_secret_everything_is_401(secret: Any, site: Settings, emitted: Emitted) -> None:
    """Also the empty key."""
    site.TRACKING_SEGMENTIO_WEBHOOK_SECRET = secret
    assert [post(call(), query=query).status_code for query in ("", "key=", "key=None")] == [401] * 3
    assert emitted == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_only_posts(method: str, emitted: Emitted) -> None:
    """Also to those who do not know the key."""
    answer = post(b"", method=method, query="")
    assert (answer.status_code, answer["Allow"], emitted) == (405, "POST, PUT, PATCH", [])


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_methods_segment_may_be_set_to(method: str, emitted: Emitted) -> None:
    assert post(call(), method=method).status_code == 200
    assert len(emitted) == 1


def test_other_content_is_not_read(emitted: Emitted) -> None:
    assert post(call(), content_type="text/plain").status_code == 200
    assert post(b"", CONTENT_TYPE="application/json").status_code == 200
    assert emitted == []
    assert set(catalogue.EVENTS_REJECTED.values()) == {
        (*COUNTED, "invalid_content_type"),
        (*COUNTED, "empty_body"),
    }


def test_a_body_beyond_djangos_limit_is_413(site: Settings, emitted: Emitted) -> None:
    """Its sender is told; it will not get smaller by being sent again."""
    site.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    answer = post(call())
    assert (answer.status_code, emitted) == (413, [])
    assert b"DATA_UPLOAD_MAX_MEMORY_SIZE" in answer.content
    assert post(call(), query="").status_code == 401
    assert catalogue.EVENTS_REJECTED.values()[*COUNTED, "request_too_large"] == 1.0


def test_a_body_beyond_our_limit_is_413(site: Settings, emitted: Emitted) -> None:
    site.TRACKSIDE = {"tracker": {"enabled": False}, "limits": {"body_bytes": 1_024}}
    site.DATA_UPLOAD_MAX_MEMORY_SIZE = None
    assert (post(call(context={"x": "x" * 2_000})).status_code, emitted) == (413, [])


class _Gone:
    """A client that goes away before all is sent."""

    def read(self, *_: Any) -> bytes:
        raise OSError("gone")

    def close(self) -> None:
        """Nothing is open."""


def test_a_body_that_does_not_arrive_is_400(emitted: Emitted) -> None:
    """Nobody is there to read it."""
    request = RequestFactory().post(f"{PATH}?key={SECRET}", call(), content_type="application/json")
    request._stream = _Gone()  # type: ignore[assignment]
    assert (segmentio_event(request).status_code, emitted) == (400, [])
    assert catalogue.EVENTS_REJECTED.values() == {(*COUNTED, "gone"): 1.0}


def test_a_body_that_was_read_before_is_400(emitted: Emitted) -> None:
    """A middleware of the site's took it."""
    request = RequestFactory().post(f"{PATH}?key={SECRET}", call(), content_type="application/json")
    request.read(1)
    assert (segmentio_event(request).status_code, emitted) == (400, [])


@pytest.mark.parametrize("length", ["x", "²", "9" * 5_000])
def test_a_length_that_is_no_number_is_400(length: str, emitted: Emitted) -> None:
    assert (post(call(), CONTENT_LENGTH=length).status_code, emitted) == (400, [])


def test_the_csrf_middleware_lets_it_pass(emitted: Emitted) -> None:
    assert post(call(), client=Client(enforce_csrf_checks=True)).status_code == 200
    assert len(emitted) == 1


def test_it_is_no_part_of_a_transaction() -> None:
    """Else a database that is away would be an error 500 before the view can say 503."""
    assert segmentio_event._non_atomic_requests == {"default"}  # type: ignore[attr-defined]


def test_the_event_has_the_context_of_its_request(site: Settings, emitted: Emitted) -> None:
    """What the middleware knows stays below what the call says, but for what a client may not say."""
    site.MIDDLEWARE = ["trackside.django.middleware.TrackMiddleware"]
    post(call(properties=properties(context=FORGED)), HTTP_USER_AGENT="Segment.io/1.0")
    (event,) = emitted
    context = event["context"]
    assert (context["path"], context["host"], context["session"]) == (PATH, "testserver", "")
    assert (context["agent"], context["ip"], context["username"]) == ("okhttp", "", "honor")
    assert (context["user_id"], context["event_source"]) == (10, "mobile")
    assert context["timestamp"].isoformat() == "2024-05-06T07:08:09.123000+00:00"
    assert context["received_at"].isoformat() == "2024-05-06T07:08:11.456000+00:00"


def test_provenance_can_be_given_up(site: Settings, emitted: Emitted) -> None:
    """A site that trusts its apps has their word for source, session, host and organisation; not for user and time."""
    site.TRACKSIDE = {"segment_webhook": {"trust_client_context": True}}
    post(call(properties=properties(context=FORGED)))
    context = emitted[0]["context"]
    found = [context[key] for key in ("event_source", "session", "host", "org_id", "username", "user_id")]
    assert found == ["server", "s", "evil.example", "evil", "honor", 10]


def test_its_id_is_segments(emitted: Emitted) -> None:
    """So that whatever keeps it keeps it once."""
    seen = []

    class Noting:
        def send(self, event: Any) -> None:
            seen.append(event_id())

    TRACKERS["default"].routing_backend.register_backend("noting", Noting())
    post([call(), call(messageId="other"), call(messageId=...)])
    assert seen == ["mmm", "other", None]


def test_a_batch_is_taken_as_far_as_it_is_good(emitted: Emitted) -> None:
    post([call(), 5, call(type="screen"), call(userId="10")])
    assert len(emitted) == 2
    assert catalogue.EVENTS_REJECTED.values() == {(*COUNTED, "not_an_object"): 1.0}
    assert catalogue.EVENTS_IGNORED.values() == {(*COUNTED, "type_not_allowed"): 1.0}


def test_numbers_that_python_cannot_hold_do_not_cost_the_event(emitted: Emitted) -> None:
    """JSON has no largest number."""
    said = properties(context={"x": "X", "list": [1]})
    body = json.dumps(call(properties=said)).replace('{"code": "mobile"}', '{"n": 1e999, "m": [1]}')
    assert post(body.replace('"X"', "-1e999").encode()).status_code == 200
    (event,) = emitted
    assert event["data"] == {"n": math.inf, "m": [1]}
    assert (event["context"]["x"], event["context"]["list"]) == (-math.inf, [1])
    assert event["context"]["client"]["app"] == {"version": "3.1"}


@pytest.mark.parametrize("tracker", [None, Tracker()])
def test_without_a_tracker_it_is_taken_and_forgotten(
    tracker: Tracker | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As everything that is emitted while tracking is switched off."""
    monkeypatch.delitem(TRACKERS, "default", raising=False)
    if tracker:
        monkeypatch.setitem(TRACKERS, "default", tracker)
    assert post(call()).status_code == 200


def test_users_may_be_believed(site: Settings, emitted: Emitted, monkeypatch: pytest.MonkeyPatch) -> None:
    """`users = "any"` asks nobody."""
    monkeypatch.undo()
    site.TRACKSIDE = {"segment_webhook": {"users": "any"}}
    post(call(userId="u-1"))
    assert (emitted[0]["context"]["user_id"], emitted[0]["context"]["username"]) == ("u-1", "")


def test_changed_settings_are_followed(site: Settings, emitted: Emitted) -> None:
    assert post(call(type="screen")).status_code == 200
    site.TRACKING_SEGMENTIO_ALLOWED_TYPES = ["Screen"]
    site.TRACKING_SEGMENTIO_DISALLOWED_SUBSTRING_NAMES = [".nothing."]
    site.TRACKING_SEGMENTIO_SOURCE_MAP = {"analytics-android": "handset"}
    post(call(type="screen"))
    assert [event["context"]["event_source"] for event in emitted] == ["handset"]
    assert current().segment_webhook.disallowed_substring_names == (".nothing.",)


def test_two_secrets_while_one_is_replaced(site: Settings, emitted: Emitted) -> None:
    site.TRACKSIDE = {"segment_webhook": {"secret": ["old", "né w"]}}
    assert post(call(), query="key=old").status_code == 200
    assert post(call(), query="key=n%C3%A9+w").status_code == 200
    assert post(call(), query="key=anything").status_code == 401
    assert len(emitted) == 2


def test_asynchronous_servers(site: Settings, emitted: Emitted) -> None:
    """Queries arrive decoded there."""
    site.TRACKSIDE = {"segment_webhook": {"secret": "né"}}
    for query, status in (("key=n%C3%A9", 200), ("key=n", 401)):
        send = async_to_sync(AsyncClient().post)
        answer = send(f"{PATH}?{query}", json.dumps(call()), content_type="application/json")
        assert answer.status_code == status
    assert len(emitted) == 1


def test_signatures(site: Settings, emitted: Emitted) -> None:
    """With a shared secret each request is signed."""
    import hmac

    site.TRACKSIDE = {"segment_webhook": {"shared_secret": "s"}}
    body = json.dumps(call()).encode()
    signature = hmac.digest(b"s", body, "sha1").hex()
    assert post(body, HTTP_X_SIGNATURE=signature).status_code == 200
    assert post(body, HTTP_X_SIGNATURE=signature[:-1] + "x").status_code == 401
    assert post(body).status_code == 401
    assert len(emitted) == 1


class TestRepeats:
    """With `dedup_cache` the site's cache remembers what was kept."""

    @pytest.fixture(autouse=True)
    def _cached(self, site: Settings) -> None:
        site.CACHES = {
            "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "webhook"}
        }
        site.TRACKSIDE = {"segment_webhook": {"dedup_cache": "default"}}
        LocMemCache("webhook", {}).clear()

    def test_an_event_is_emitted_once(self, emitted: Emitted) -> None:
        """Within a request and from one to the next; events without an id are each one of their own."""
        for _ in range(2):
            assert post([call(), call(), call(messageId="x" * 300), call(messageId=...)]).status_code == 200
        assert len(emitted) == 4
        assert catalogue.EVENTS_DUPLICATES.values() == {COUNTED: 4.0}

    def test_a_cache_that_fails_costs_nothing(self, site: Settings, emitted: Emitted) -> None:
        """Each event is emitted as if it were new."""
        site.CACHES = {"default": {"BACKEND": f"{__name__}.FailingCache"}}
        for _ in range(2):
            assert post(call()).status_code == 200
        assert len(emitted) == 2

    def test_what_is_not_kept_is_not_remembered(self, emitted: Emitted) -> None:
        """So that it is taken when Segment sends it again."""

        class Lost:
            def send(self, event: Any) -> None:
                from trackside.emitted import commit_waiters

                waiters = commit_waiters()
                assert waiters is not None
                waiters.append(self)

            def wait(self, timeout_s: float) -> bool:
                return False

        TRACKERS["default"].routing_backend.register_backend("lost", Lost())
        assert post(call()).status_code == 503
        del TRACKERS["default"].backends["lost"]
        assert post(call()).status_code == 200
        assert len(emitted) == 2


class FailingCache(LocMemCache):
    """A cache whose server is away."""

    def get_many(self, *_: Any, **__: Any) -> Any:
        """Fail."""
        raise ConnectionError

    set_many = get_many


def test_the_names_the_platform_has() -> None:
    """Its code and its tests look for them in this module."""
    for name in segmentio.__all__:
        assert hasattr(segmentio, name)
    assert len([name for name in segmentio.__all__ if name.startswith("ERROR_")]) == 11
    assert JSON[b"content-type"] == b"application/json"


def test_users_are_asked_for_once_for_a_batch(users: Accounts, emitted: Emitted) -> None:
    users.ids[11] = "audit"
    post([call(userId=user_id) for user_id in (10, 11, 10)])
    post(call(userId=11))
    assert [event["context"]["username"] for event in emitted] == ["honor", "audit", "honor", "audit"]
    assert len(users.questions) == 1
