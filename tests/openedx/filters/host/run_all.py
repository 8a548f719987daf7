"""Runs every filter with webfilters that ask a real receiver, and prints what came of each as JSON.

    {"org.openedx…": {"asked": …, "sent": […], "changed": {…}, "exceptions": {"PreventX": "PreventX"}, "queries": 0}}

Where HOST["exceptions"] is false, none is asked for.
"""

import json
import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from tests.openedx.filters.host.platform import COURSE, FormDescription, Rows, arguments, set_up
from tests.openedx.filters.host.receiver import Receiver, listening

MOVED = "2031-05-06T07:08:09+00:00"
OTHER_COURSE = "course-v1:edX+Other+1"
CHANGES: Mapping[str, Any] = {
    "user": {"first_name": "Changed"},
    "course_key": OTHER_COURSE,
    "mode": "changed",
    "status": "changed",
    "generation_mode": "changed",
    "grade": {"percent": 0.75},
    "view": "public_view",
    "view_name": "changed",
    "url": "https://other.example.org/changed",
    "redirect_url": "/changed",
    "course_home_url": "/changed",
    "template_name": "host/other.html",
    "context": {"title": "Changed", "added": [1], "inner": {"text": "Changed"}},
    "extra_context": {"added": [1]},
    "student_view_context": {"title": "Changed"},
    "serialized_enrollment": {"mode": "changed"},
    "serialized_courserun": {"homeUrl": "/changed"},
    "message_context": {"added": True},
    "form_data": {"name": "Changed", "extra": ["a", "b"]},
    "form_desc": {"fields": {"country": {"default": "FR"}}},
    "response": {"headers": {"X-Webfilter": "changed"}},
    "tabs": [{"tab_id": "info", "title": "Changed", "url": "/changed"}],
    "readonly_fields": ["email"],
    "start_date": MOVED,
    "price": 80,
    "enrollments_data": [{"course_id": COURSE, "mode": "changed", "id": 5}],
    "filter": {"course_id": OTHER_COURSE},
    "command_name": "changed",
    "exclude": {},
    "target_cohort": {"name": "Changed"},
    "custom_template": {"name": "Changed"},
}
"""What an answer says for what may be changed, by its first name."""
SAID: Mapping[str, Any] = {
    "redirect_to": "https://other.example.org/",
    "status_code": 418,
    "error_code": "some.code",
    "context": {"some": "context"},
    "template_context": {"some": "context"},
    "tabs": [],
    "developer_message": "for developers",
    "user_message": "for users",
}
"""What an answer says in exceptions."""


def main() -> None:
    """Run."""
    rows = set_up()
    from django.conf import settings

    from tests.openedx.filters.host.hooks import obeyed
    from trackside.openedx.filters.discovery import public_filters
    from trackside.openedx.filters.following import FOLLOWED

    classes = public_filters()
    with_exceptions = json.loads(os.environ["HOST"]).get("exceptions", True)
    found: dict[str, Any] = {}
    with ExitStack() as stack:
        receiver = stack.enter_context(listening())
        for filter_type in FOLLOWED:
            found[filter_type] = {"queries": idle(rows, classes[filter_type])}
        stack.enter_context(obeyed(receiver))
        for filter_type, point in FOLLOWED.items():
            found[filter_type] |= asked(rows, receiver, filter_type, classes[filter_type], point)
            if with_exceptions:
                found[filter_type]["exceptions"] = raised(rows, receiver, classes[filter_type], point)
    config: Any = getattr(settings, "OPEN_EDX_FILTERS_CONFIG")  # noqa: B009  # no setting of Django's own
    steps = {name: each["pipeline"] for name, each in config.items()}
    json.dump({"installed": sorted(classes), "filters": found, "steps": steps}, sys.stdout)


def idle(rows: Rows, filter_class: Any) -> int:
    """Return the queries of a call that nobody is asked about."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from trackside.openedx.filters.discovery import arguments_of

    given = arguments(rows, arguments_of(filter_class))
    with CaptureQueriesContext(connection) as seen:
        filter_class.run_filter(**given)
    return len(seen.captured_queries)


def asked(rows: Rows, receiver: Receiver, filter_type: str, filter_class: Any, point: Any) -> dict[str, Any]:
    """Return what reached the receiver, and what the filter returned."""
    from trackside.openedx.filters.discovery import arguments_of

    names = arguments_of(filter_class)
    said = {
        first: CHANGES[first] for first in sorted({path[0] for path in point.changes}) if first in CHANGES
    }
    if filter_type.endswith("schedule.queryset.requested.v1"):
        said["filter"] = {"active": False}
    before = {name: show(value) for name, value in arguments(rows, names).items()}
    receiver.says({"data": said})
    returned = filter_class.run_filter(**arguments(rows, names))
    results = dict(zip(names, returned if isinstance(returned, tuple) else (returned,), strict=True))
    body = receiver.bodies[0] if receiver.bodies else None
    after = {name: show(value) for name, value in results.items()}
    saved = rows.fresh("user").first_name
    rows.user.save()
    return {
        "asked": body and body["event_metadata"]["event_type"],
        "sent": sorted(body or ()),
        "body": body,
        "said": said,
        "before": before,
        "after": after,
        "saved": saved,
    }


def raised(rows: Rows, receiver: Receiver, filter_class: Any, point: Any) -> dict[str, Any]:
    """Return the class that each exception asked for comes out as, and its fields; "" where none came."""
    from openedx_filters.exceptions import OpenEdxFilterException

    from trackside.openedx.filters.discovery import arguments_of

    found: dict[str, Any] = {}
    for name, stops in point.exceptions.items():
        said = {each: SAID[each] for each in stops.fields if each in SAID}
        said |= {
            each: "host/other.html"
            for each in stops.fields
            if each.endswith("template") or each == "template_name"
        }
        if "content" in stops.fields:
            said |= {"content": "<h1>Closed</h1>", "status": 451}
        receiver.says({"exception": {name: {"message": f"Because of {name}", **said}}})
        try:
            filter_class.run_filter(**arguments(rows, arguments_of(filter_class)))
        except OpenEdxFilterException as error:
            found[name] = {
                "class": type(error).__qualname__,
                "is": type(error) is getattr(filter_class, name),
                "text": str(error),
                "fields": {each: show(getattr(error, each, None)) for each in (*said, "response")},
                "said": said,
            }
    return found


def show(value: Any) -> Any:
    """Return what can be compared of a value, as JSON has it."""
    from django.db.models import Model, QuerySet
    from django.http import HttpResponse, QueryDict

    if isinstance(value, QuerySet):
        return sorted(each.pk for each in value)
    if isinstance(value, Model):
        return {each.name: show(each.value_from_object(value)) for each in value._meta.concrete_fields}
    if isinstance(value, QueryDict):
        return dict(value.lists())
    if isinstance(value, HttpResponse):
        return {"status": value.status_code, "text": value.content.decode(), "headers": dict(value.headers)}
    if isinstance(value, FormDescription):
        return value.overridden
    if isinstance(value, Mapping):
        return {str(name): show(each) for name, each in value.items()}
    if isinstance(value, set):
        return sorted(value)
    if isinstance(value, list | tuple):
        return [show(each) for each in value]
    if isinstance(value, str | int | float | bool | None):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if hasattr(value, "percent"):
        return {"percent": value.percent}
    return str(value) if "opaque_keys" in type(value).__module__ else type(value).__name__


if __name__ == "__main__":
    main()
