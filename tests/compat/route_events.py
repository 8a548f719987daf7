"""Emits events through edx-event-routing-backends to an HTTP server of its own, and prints what came there.

`python route_events.py ours` runs it on our names, `theirs` on those of event-tracking. For the interpreter of an
environment that has both packages; what they expect of the platform around them are stand-ins here.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType, SimpleNamespace
from typing import Any

COURSE = "course-v1:edX+DemoX+2024"
BLOCK = "block-v1:edX+DemoX+2024+type@{}+block@0123456789abcdef"
EXTERNAL_ID = "32e08e30-f8ae-4ce2-94a8-c2bfe38a70cb"
CONTEXT = {
    "user_id": 1,
    "username": "honor",
    "course_id": COURSE,
    "org_id": "edX",
    "path": "/event",
    "session": "8d325f8a10b46a820404dce960d1d1a8",
    "host": "lms.example.org",
    "referer": f"https://lms.example.org/courses/{COURSE}/courseware/",
    "agent": "Mozilla/5.0",
    "ip": "203.0.113.7",
    "event_source": "server",
}
VIDEO = {
    "id": "0123456789abcdef",
    "code": "mobile",
    "currentTime": 12.5,
    "current_time": 12.5,
    "duration": 60,
}
EVENTS: dict[str, dict[str, Any]] = {
    "edx.course.enrollment.activated": {"course_id": COURSE, "user_id": 1, "mode": "audit"},
    "edx.course.enrollment.deactivated": {"course_id": COURSE, "user_id": 1, "mode": "audit"},
    "edx.course.grade.passed.first_time": {"course_id": COURSE, "user_id": 1},
    "edx.ui.lms.link_clicked": {
        "current_url": "https://lms.example.org/a",
        "target_url": "https://lms.example.org/b",
    },
    "edx.video.played": VIDEO,
    "edx.video.paused": VIDEO,
    "edx.completion.block_completion.changed": {"completion": 1.0, "block_id": BLOCK.format("html")},
    "edx.problem.hint.demandhint_displayed": {
        "hint_index": 0,
        "hint_len": 2,
        "hint_text": "Think",
        "module_id": BLOCK.format("problem"),
        "problem_part_idx": 0,
    },
    "showanswer": {"problem_id": BLOCK.format("problem")},
    "edx.nobody.asked": {},
}


def stand_in(name: str, **contents: Any) -> None:
    """Make a module of the platform importable."""
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        sys.modules.setdefault(".".join(parts[:depth]), ModuleType(".".join(parts[:depth])))
    vars(sys.modules[name]).update(contents)


def stand_in_for_the_platform() -> None:
    """Give the package the users, courses and external ids it asks the platform for."""
    course = SimpleNamespace(id=COURSE, display_name="Demo", language="en")

    class ExternalId:
        @staticmethod
        def add_new_user_id(user: Any, type_name: str) -> tuple[Any, bool]:
            return SimpleNamespace(external_user_id=EXTERNAL_ID), False

    stand_in("common.djangoapps.student.models", get_potentially_retired_user_by_username=lambda name: None)
    stand_in(
        "openedx.core.djangoapps.content.course_overviews.api",
        get_course_overviews=lambda keys: [{"display_name": course.display_name, "id": COURSE}],
    )
    stand_in(
        "openedx.core.djangoapps.external_user_ids.models",
        ExternalId=ExternalId,
        ExternalIdType=SimpleNamespace(LTI="lti", XAPI="xapi", CALIPER="caliper"),
    )


class Receiver(BaseHTTPRequestHandler):
    """Takes statements and keeps them."""

    received: list[tuple[str, Any]] = []

    def do_POST(self) -> None:
        """Keep the body under the path."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.received.append((self.path, body))
        content = json.dumps(["id"]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_PUT = do_POST  # noqa: N815  # the server's name for it

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is the base class's
        """Stay silent."""


def configure(*, ours: bool) -> None:
    """Set Django up as the package's own settings say, with Celery in this process."""
    from celery import Celery
    from django.conf import settings

    import django

    settings.configure(
        SECRET_KEY="x" * 50,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=[
            *(["trackside.compat.eventtracking"] if ours else []),
            *("django.contrib.auth", "django.contrib.contenttypes", "celery_utils", "config_models"),
            *("event_routing_backends", "eventtracking.django.apps.EventTrackingConfig"),
        ],
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        USE_TZ=True,
        LMS_ROOT_URL="https://lms.example.org",
        FERNET_KEYS=["x" * 32],
        EVENT_TRACKING_ENABLED=False,
        EVENT_TRACKING_BACKENDS={},
    )
    app = Celery("compat")
    app.conf.update(task_always_eager=True, task_eager_propagates=True)
    app.set_default()
    django.setup()
    from event_routing_backends.settings.common import (  # type: ignore[import-not-found]  # not installed here
        plugin_settings,
    )

    plugin_settings(settings)
    settings.CALIPER_EVENTS_ENABLED = True
    # the package finds its routes by a name that MySQL, unlike SQLite, compares without regard to case
    trees = settings.EVENT_TRACKING_BACKENDS  # type: ignore[misc]  # none of the settings that are checked
    routers = trees["event_transformer"]["OPTIONS"]["backends"]
    routers["xapi"]["OPTIONS"]["backend_name"] = "xAPI"
    routers["caliper"]["OPTIONS"]["backend_name"] = "Caliper"
    settings.EVENT_TRACKING_ENABLED = True


def route_to(url: str) -> None:
    """Make the tables, a user, and a route for each kind of statement."""
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from event_routing_backends.models import RouterConfiguration  # type: ignore[import-not-found]

    call_command("migrate", verbosity=0)
    get_user_model().objects.create(id=1, username="honor", email="honor@example.org")
    for backend in (RouterConfiguration.XAPI_BACKEND, RouterConfiguration.CALIPER_BACKEND):
        RouterConfiguration.objects.create(
            backend_name=backend,
            enabled=True,
            route_url=f"{url}/{backend.lower()}/",
            auth_scheme=RouterConfiguration.AUTH_BEARER,
            auth_key="key",
            configurations={},
        )


def main() -> None:
    """Emit every event; print, for each, the verbs and actions that arrived."""
    stand_in_for_the_platform()
    configure(ours=sys.argv[1] == "ours")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    route_to(f"http://127.0.0.1:{server.server_port}")
    from eventtracking import tracker
    from eventtracking.django.django_tracker import (
        override_default_tracker,
    )

    override_default_tracker()
    arrived: dict[str, dict[str, list[str]]] = {}
    for name, data in EVENTS.items():
        Receiver.received.clear()
        with tracker.get_tracker().context("request", CONTEXT):
            tracker.emit(name, data)
        kinds: dict[str, list[str]] = {}
        arrived[name] = kinds
        for path, body in Receiver.received:
            kinds.setdefault(path.split("/")[1], []).extend(_said(body))
    print(json.dumps({"tracker": tracker.__name__, "arrived": arrived}))


def _said(body: Any) -> list[str]:
    statements = body if isinstance(body, list) else body.get("data", [body])
    return [each["verb"]["id"] if "verb" in each else each["action"] for each in statements]


if __name__ == "__main__":
    main()
