"""Tries what openedx-webhooks does wrong, on a platform with a receiver, and prints what happened as JSON.

Each function is one attempt; its result stands under its name.
"""

import io
import json
import logging
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from tests.openedx.filters.host.hooks import Answering, obeyed
from tests.openedx.filters.host.platform import Rows, arguments, set_up
from tests.openedx.filters.host.receiver import Receiver, listening
from tests.openedx.filters.host.run_all import show

BAD_ANSWERS: tuple[Any, ...] = (
    b"null",
    b"5",
    b"true",
    b"[]",
    b"<html>",
    {"data": None, "exception": None},
    {"data": "text"},
    {"data": {"user": {"unknown": 1}}},
    {"data": {"user": "text"}},
    {"data": {"context": "text"}},
    {"data": {"context": {"start": None}}},
    {"data": {"context": {"start": "soon"}}},
    {"data": {"context": {"enabled": "false"}}},
    {"data": {"context": {"object": {"a": 1}}}},
    {"data": {"context": {"user": {"first_name": "x"}}}},
    {"data": {"start_date": None}},
    {"data": {"start_date": "soon"}},
    {"data": {"course_key": "not a key"}},
    {"data": {"course_key": None}},
    {"data": {"filter": {"no_such_field": 1}}},
    {"data": {"filter": {"course_id__nonsense": 1}}},
    {"data": {"filter": "text"}},
    {"data": {"template_name": "host/missing.html"}},
    {"data": {"template_name": "../../etc/passwd"}},
    {"data": {"form_data": {"gender": "unheard of"}}},
    {"data": {"form_data": {"level_of_education": 5}}},
    {"data": {"mode": 5}},
    {"data": {"grade": {"percent": "much"}}},
    {"data": {"price": "free"}},
    {"data": {"price": -1}},
    {"data": {"context": {"title": "a\x00b"}}},
    {"data": {"message_context": {"key": "other"}}},
    b'{"data": {"context": {"title": "\\ud800"}}}',
    {"data": {"filter": {"id__in": ["text"]}}},
    {"data": {"readonly_fields": [None]}},
    {"data": {"tabs": "none"}},
    {"data": {"form_desc": {"fields": {"x": {"required": True}}}}},
    {"data": {"response": {"headers": {"Set-Cookie": "a=b"}}}},
    {"exception": "text"},
    {"exception": {"Unknown": "x"}},
    {"exception": {"PreventLogin": {"bogus": 1}, "Other": 1}},
    *(
        {"exception": {name: {"message": "x", "bogus": 1}}}
        for name in ("PreventLogin", "PreventEnrollment", "RedirectToPage", "RenderCustomResponse")
    ),
    {"exception": {"RenderCustomResponse": {"status": 99}}},
    {"exception": {"RenderCustomResponse": {"content_type": "application/javascript"}}},
    {"exception": {"RenderCustomResponse": {"headers": {"Set-Cookie": "a=b"}}}},
    {"exception": {"RenderCustomResponse": {"headers": {"Location": "javascript:alert(1)"}, "status": 302}}},
    {"exception": {"RedirectToPage": {"redirect_to": "javascript:alert(1)"}}},
    {"exception": {"RedirectToPage": "without a place"}},
    {"exception": {"RenderInvalidDashboard": {"dashboard_template": "host/missing.html"}}},
)
"""None of these can be used at any filter."""
PREFIX = "org.openedx.learning."


class Platform:
    """What attempts have."""

    def __init__(self, rows: Rows, receiver: Receiver) -> None:
        from trackside.openedx.filters.discovery import public_filters

        self.rows = rows
        self.receiver = receiver
        self.classes = public_filters()

    def run(self, name: str, **given: Any) -> Any:
        """Return what a filter returns, or "Class: message" of the exception that it raised."""
        from openedx_filters.exceptions import OpenEdxFilterException

        from trackside.openedx.filters.discovery import arguments_of

        filter_class = self.classes.get(PREFIX + name) or self.classes[name]
        try:
            names = tuple(each for each in arguments_of(filter_class) if each not in given)
            return filter_class.run_filter(**arguments(self.rows, names), **given)
        except OpenEdxFilterException as error:
            return error

    def queries(self, act: Callable[[], object]) -> list[str]:
        """Return the statements that something sends to the database."""
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as seen:
            act()
        return [each["sql"] for each in seen.captured_queries]

    def said(self, result: Any) -> Any:
        """Return the exception as text, or the value as JSON has it."""
        return f"{type(result).__name__}: {result}" if isinstance(result, Exception) else show(result)


def d01(platform: Platform) -> Any:
    """Ask by rows of the database, one for each filter, by the filter's type."""
    from trackside.django.webfilters.models import Webfilter
    from trackside.openedx.filters.following import FOLLOWED

    for number, name in enumerate(FOLLOWED):
        Webfilter.objects.create(name=f"w{number}", point=name, url=platform.receiver.url, timeout_s=5)
    platform.receiver.says({})
    for name in FOLLOWED:
        platform.run(name)
    asked = [body["event_metadata"]["event_type"] for body in platform.receiver.bodies]
    Webfilter.objects.all().delete()
    return {"followed": list(FOLLOWED), "asked": asked}


def d09(platform: Platform) -> Any:
    """Ask with the user, as JSON and as a form, with a hook that redacts nothing."""
    sent = []
    for form in (False, True):
        platform.receiver.says({})
        with obeyed(platform.receiver, form_encoding=form, redact_fields=()):
            platform.run("student.login.requested.v1")
        sent.append(platform.receiver.raw[0].decode())
    return sent


def d10(platform: Platform) -> Any:
    """Answer with each field that says who somebody is; then change a name and be refused by another hook."""
    from trackside.webfilters import Hook

    before, results = show(platform.rows.fresh("user")), {}
    for name, value in {
        "is_superuser": True,
        "is_staff": True,
        "is_active": False,
        "password": "new",
        "email": "thief@example.org",
        "username": "thief",
        "id": 1,
        "pk": 1,
        "last_login": "2026-01-01T00:00:00Z",
        "groups": [1],
    }.items():
        platform.receiver.says(
            {"data": {"user": {name: value, "first_name": "T"}, "profile": {"user_id": 5}}}
        )
        with obeyed(platform.receiver, on_failure="fail_closed"):
            results[name] = platform.said(platform.run("student.login.requested.v1"))
    platform.receiver.says({"data": {"user": {"first_name": "T"}}})
    nobody = Hook(
        name="z",
        point="*",
        url=platform.receiver.nowhere,
        order=1,
        halt_on_request_exception=True,
        failure_cache_s=0,
    )
    with obeyed(platform.receiver, nobody):
        results["halted by the next"] = platform.said(platform.run("student.login.requested.v1"))
    return {"results": results, "same": before == show(platform.rows.fresh("user"))}


def d11(platform: Platform) -> Any:
    """Let all go wrong while loggers write everything down."""
    kept = io.StringIO()
    handler = logging.StreamHandler(kept)
    handler.setFormatter(logging.Formatter("%(message)s %(args)s %(exc_text)s"))
    logger = logging.getLogger("trackside")
    logging.disable(logging.NOTSET)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    with obeyed(platform.receiver):
        for answer in BAD_ANSWERS[:12]:
            platform.receiver.says(answer)
            platform.run("student.login.requested.v1")
            platform.run("student.registration.requested.v1")
    logger.removeHandler(handler)
    logging.disable(logging.CRITICAL)
    return kept.getvalue()


def d12(platform: Platform) -> Any:
    """Halt because nobody is there, at a URL with a token; and because of a status."""
    texts = []
    with obeyed(
        platform.receiver, url=f"{platform.receiver.nowhere}?token=SECRET", halt_on_request_exception=True
    ):
        texts.append(platform.said(platform.run("student.login.requested.v1")))
    platform.receiver.says({}, 403)
    with obeyed(platform.receiver, halt_on_4xx=True):
        texts.append(platform.said(platform.run("course.enrollment.started.v1")))
    return texts


def d13(platform: Platform) -> Any:
    """Answer with all that cannot be used, at every filter."""
    from trackside.openedx.filters.following import FOLLOWED
    from trackside.telemetry import catalogue

    before, wrong = catalogue.FILTERS_FAILED.values(), []
    asker = Answering()
    with obeyed(platform.receiver, asker=asker) as records:
        for answer in BAD_ANSWERS:
            asker.body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            for name in FOLLOWED:
                result = platform.run(name)
                if isinstance(result, Exception):
                    wrong.append([str(answer), name, platform.said(result)])
        changed = sorted({str(each.patch) for each in records if each.decision != "passed"})
    return {"raised": wrong, "changed": changed, "failed": before != catalogue.FILTERS_FAILED.values()}


def d15(platform: Platform) -> Any:
    """Halt at every filter that has exceptions: for a status, and for nobody; with a redirect and without."""
    from trackside.openedx.filters.following import FOLLOWED

    found: dict[str, Any] = {}
    platform.receiver.says({}, 503)
    for name, point in FOLLOWED.items():
        if not point.exceptions:
            continue
        with obeyed(platform.receiver, halt_on_5xx=True):
            plain = platform.run(name)
        with obeyed(platform.receiver, halt_on_5xx=True, redirect_on_5xx="/closed"):
            redirected = platform.run(name)
        with obeyed(platform.receiver, url=platform.receiver.nowhere, on_failure="fail_closed"):
            closed = platform.run(name)
        response = getattr(plain, "response", None)
        found[name] = {
            "names": [platform.said(each).partition(":")[0] for each in (plain, redirected, closed)],
            "redirects": next(iter(point.exceptions.values())).redirects,
            "redirect_to": getattr(redirected, "redirect_to", None),
            "page": response is not None and response.status_code,
            "first": point.default_stop,
        }
    return found


def d16(platform: Platform) -> Any:
    """Ask about querysets, and narrow them."""
    platform.receiver.says({"data": {"filter": {"id__gte": 1}}})
    with obeyed(platform.receiver):
        return [
            platform.queries(lambda name=name: platform.run(name))  # type: ignore[misc]
            for name in ("schedule.queryset.requested.v1", "course_enrollment_queryset.requested.v1")
        ]


def d17(platform: Platform) -> Any:
    """Narrow by what must not be asked about, by what may be, and take out."""
    found = {}
    tries: dict[str, Any] = {
        "relation": {"filter": {"user__password__startswith": "pbkdf2"}},
        "user": {"filter": {"user": 1}},
        "regex": {"filter": {"course_id__regex": ".*"}},
        "object": {"filter": {"course_id": {"a": 1}}},
        "nul": {"filter": {"course_id": "a\x00"}},
        "kind": {"filter": {"id__gte": "text"}},
        "many": {"filter": {"id__in": list(range(1_001))}},
        "good": {"filter": {"mode__in": ["audit"], "is_active": True}},
        "out": {"exclude": {"mode": "audit"}},
        "both": {"filter": {"is_active": True}, "exclude": {"mode__in": ["audit", "verified"]}},
    }
    for what, data in tries.items():
        platform.receiver.says({"data": data})
        with obeyed(platform.receiver) as records:
            rows = platform.run("course_enrollment_queryset.requested.v1")
        found[what] = [records[-1].hooks[0].outcome, sorted(each.mode for each in rows)]
    return found


def d18(platform: Platform) -> Any:
    """Ask about blocks and pages that know each other."""
    block = SimpleNamespace(category="vertical", display_name="V", location="block-v1:a+b+c")
    block.children = [SimpleNamespace(parent=block, siblings=block) for _ in range(20)]
    page: dict[str, Any] = {"block": block, "title": "t" * 1_000_000}
    page["children"] = [{"parent": page, "siblings": page} for _ in range(20)]
    platform.receiver.says({"data": {"context": {"added": True}}})
    began = time.perf_counter()
    with obeyed(platform.receiver):
        _, context = platform.run("vertical_block_child.render.started.v1", block=block, context=page)
    return {
        "took_s": time.perf_counter() - began,
        "bytes": len(platform.receiver.raw[0]),
        "added": context["added"],
        "same": context["block"] is block,
        "untouched": "added" not in page,
    }


def d20(platform: Platform) -> Any:
    """Render a block with ten children, nobody being asked."""
    return platform.queries(
        lambda: [platform.run("vertical_block_child.render.started.v1") for _ in range(10)]
    )


def d22(platform: Platform) -> Any:
    """Ask about courses whose keys begin otherwise."""
    from opaque_keys.edx.keys import CourseKey

    sent = []
    for text in ("edX/DemoX/2026", "ccx-v1:edX+DemoX+2026+ccx@1", "library-v1:edX+Physics"):
        with suppress(Exception):
            platform.receiver.says({"data": {"course_home_url": "/changed"}})
            with obeyed(platform.receiver):
                key = CourseKey.from_string(text)
                same, url = platform.run("course.homepage.url.creation.started.v1", course_key=key)
            sent.append([platform.receiver.bodies[0]["course_id"], same is key, url])
    return sent


def d24(platform: Platform) -> Any:
    """Answer with URLs and texts that would run scripts."""
    found: dict[str, Any] = {}
    tries: dict[str, tuple[str, Any]] = {
        "javascript": ("idv.page.url.requested.v1", {"url": "javascript:alert(1)"}),
        "elsewhere": ("idv.page.url.requested.v1", {"url": "//evil.example.org"}),
        "number": ("idv.page.url.requested.v1", {"url": 5}),
        "context url": (
            "dashboard.render.started.v1",
            {"context": {"finish_auth_url": "JavaScript:alert(1)"}},
        ),
        "any text": ("dashboard.render.started.v1", {"context": {"title": " java\nscript:alert(1)"}}),
        "markup": ("dashboard.render.started.v1", {"context": {"title": "<img src=x onerror=alert(1)>"}}),
        "tab": ("instructor.dashboard.tabs.requested.v1", {"tabs": [{"tab_id": "x", "url": "javascript:x"}]}),
        "fragment": ("vertical_block.render.completed.v1", {"fragment": {"content": "<script>"}}),
        "code": ("certificate.render.started.v1", {"custom_template": {"template": "${evil()}"}}),
    }
    for what, (name, data) in tries.items():
        platform.receiver.says({"data": data})
        with obeyed(platform.receiver) as records:
            platform.run(name)
        found[what] = records[-1].hooks[0].outcome
    platform.receiver.says({"exception": {"RenderCustomResponse": {"content": "<script>alert(1)</script>"}}})
    with obeyed(platform.receiver):
        found["response"] = show(platform.run("dashboard.render.started.v1").response)
    platform.receiver.says({"exception": {"RenderCustomResponse": "Only a <text>"}})
    with obeyed(platform.receiver):
        found["text"] = show(platform.run("dashboard.render.started.v1").response)
    return found


def d25(platform: Platform) -> Any:
    """Ask about some courses only."""
    from opaque_keys.edx.keys import CourseKey

    platform.receiver.says({"exception": {"PreventEnrollment": "No"}})
    with obeyed(platform.receiver, where={"course_key": "course-v1:edX+*"}):
        return [
            platform.said(
                platform.run("course.enrollment.started.v1", course_key=CourseKey.from_string(text))
            )
            for text in ("course-v1:MITx+1+1", "course-v1:edX+1+1")
        ]


ATTEMPTS = (d01, d09, d10, d11, d12, d13, d15, d16, d17, d18, d20, d22, d24, d25)


def main() -> None:
    """Try all."""
    rows = set_up()
    with listening() as receiver:
        platform = Platform(rows, receiver)
        json.dump({each.__name__: each(platform) for each in ATTEMPTS}, sys.stdout, default=show)


if __name__ == "__main__":
    main()
