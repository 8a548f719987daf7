"""The project's views: they do what the platform's do."""

import asyncio

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from eventtracking import tracker

from tests.django.site.worker import finish
from trackside.django.views import segmentio_event, server_track, user_track


def course_page(request: HttpRequest, course: str) -> HttpResponse:
    """Tell, as a server does, that a problem was checked."""
    server_track(request, "problem_check", {"attempts": 1}, request.build_absolute_uri())
    return HttpResponse(course)


def start_task(request: HttpRequest) -> HttpResponse:
    """Leave work to a task, with what the task cannot know."""
    info = {
        "username": request.user.get_username(),
        "ip": request.META["REMOTE_ADDR"],
        "agent": request.META["HTTP_USER_AGENT"],
        "host": request.META["SERVER_NAME"],
    }
    finish.delay(info, "https://lms.example.org/courses/course-v1:edX+DemoX+2024/instructor")
    return HttpResponse("started")


async def password(request: HttpRequest) -> HttpResponse:
    """Take a form; what is an event of it is the middleware's matter."""
    server_track(request, "taken", {})
    return HttpResponse("taken")


async def slow(request: HttpRequest, number: int) -> HttpResponse:
    """Emit before and after others had their turn, here and in threads."""
    for step in range(3):
        tracker.emit("slow.here", {"number": number})
        await asyncio.sleep(0.001 * ((number + step) % 3))
        await asyncio.to_thread(tracker.emit, "slow.thread", {"number": number})
        await sync_to_async(tracker.emit)("slow.sync", {"number": number})
    return HttpResponse(str(number))


urlpatterns = [
    path("slow/<int:number>", slow),
    path("event", user_track),
    path("segmentio/event", segmentio_event),
    path("courses/<str:course>/courseware/", course_page),
    path("user_api/password/", csrf_exempt(password)),
    path("task", start_task),
    path("ready", lambda _: HttpResponse("ready")),
]
