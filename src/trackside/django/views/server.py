"""Events that the platform's own code emits, in a request and in a task."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from trackside.django.contexts import course_context_from_url
from trackside.django.tracker import default_tracker
from trackside.django.users import is_staff, username_of

_TASK_FIELDS = ("username", "ip", "agent", "host")


def server_track(request: HttpRequest | None, event_type: Any, event: Any, page: str | None = None) -> None:
    """Emit an event of a request, or of none, with the course of its page where that belongs to one.

    What staff reads in /event_logs is no event.
    """
    if is_look_at_the_logs(request, event_type):
        return
    course = course_context_from_url(page)
    context: dict[str, Any] = {**course} if course["course_id"] else {}
    context["username"] = username_of(request)
    context["event_source"] = "server"
    context["page"] = page
    _emit("edx.course.server", context, event_type, event)


def task_track(
    request_info: Mapping[str, Any] | None,
    task_info: Mapping[str, Any] | None,
    event_type: Any,
    event: Any,
    page: str | None = None,
) -> None:
    """Emit an event of a task, with what the request that started it left in `request_info`.

    `task_info` goes into the event's data, over what is there; data that is no dict is kept under `event`.
    """
    if not event_type:
        return
    known = request_info if isinstance(request_info, Mapping) else {}
    context: dict[str, Any] = course_context_from_url(page)
    context |= {field: known.get(field, "unknown") for field in _TASK_FIELDS}
    context |= {"event_source": "task", "page": page}
    data = dict(event) if isinstance(event, Mapping) else {"event": event} if event else {}
    _emit("edx.course.task", context, event_type, {**data, **(task_info or {})})


def _emit(name: str, context: Mapping[str, Any], event_type: Any, event: Any) -> None:
    tracker = default_tracker()
    if tracker is not None:
        with tracker.context(name, context):
            tracker.emit(event_type, event)


def is_look_at_the_logs(request: HttpRequest | None, event_type: Any) -> bool:
    """Return whether staff reads events of the logs here."""
    if request is None or not isinstance(event_type, str) or not event_type.startswith("/event_logs"):
        return False
    return is_staff(request)
