"""Times one middleware: started by `benchmarks.middleware`, once in each environment.

Reads lines from standard input; for each it answers with one line of JSON: CPU time of a request in µs.
Runs in the baseline's environment too, so it imports nothing but Django.
"""

import json
import sys
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

import django

COURSE = "/courses/course-v1:edX+DemoX+2024"
PATHS = (
    (f"{COURSE}/courseware/week1/intro/", "", b""),
    (
        f"{COURSE}/xblock/block-v1:edX+DemoX+2024+type@problem+block@p1/handler/problem_check",
        "",
        b"input_p1=choice_2",
    ),
    ("/dashboard", "page=2&filter=active", b""),
    ("/api/user/v1/accounts/honor", "", b"password=hunter2&email=honor%40example.org"),
    ("/static/images/logo.png", "", b""),
    ("/event", "", b"event_type=seq_next&event=%7B%22old%22%3A1%7D"),
)
"""Path, query, body; the last one is ignored by the settings and only gets a context."""
AT_A_TIME = 60
"""A multiple of the number of paths, and enough that the clock's own steps do not count."""


class User:
    """Somebody who is logged in; loading them from the database is no part of the middleware."""

    pk = 1
    username = "honor"
    is_staff = False

    def get_username(self) -> str:
        return self.username


class Session:
    """A session that is loaded."""

    session_key = "665924b49a93e22b46ee9365abf28c2a"


def request(number: int) -> HttpRequest:
    path, query, body = PATHS[number % len(PATHS)]
    made = WSGIRequest(
        {
            "REQUEST_METHOD": "POST" if body else "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": "application/x-www-form-urlencoded" if body else "",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
            "wsgi.url_scheme": "https",
            "SERVER_NAME": "lms.example.org",
            "SERVER_PORT": "443",
            "HTTP_HOST": "lms.example.org",
            "REMOTE_ADDR": "10.0.0.2",
            "HTTP_X_FORWARDED_FOR": "203.0.113.7, 10.0.0.1",
            "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36",
            "HTTP_REFERER": f"https://lms.example.org{COURSE}/course/",
            "HTTP_ACCEPT_LANGUAGE": "en-US,en;q=0.9",
            "HTTP_COOKIE": "_ga=GA1.2.1033501218.1368477899; sessionid=abc; csrftoken=def",
        }
    )
    _ = made.COOKIES  # read by the session middleware, which stands before
    made.session = Session()  # type: ignore[assignment]
    made.user = User()  # type: ignore[assignment]
    return made


def spent_us(handle: Callable[[HttpRequest], Any], count: int) -> float:
    """Return the CPU time of one of `count` requests, few of which exist at a time, as in a server."""
    spent = 0.0
    for _ in range(count // AT_A_TIME):
        requests = [request(number) for number in range(AT_A_TIME)]
        begun = time.process_time()
        for each in requests:
            handle(each)
        spent += time.process_time() - begun
    return spent / count * 1e6


def main(middleware: str, count: int) -> None:
    django.setup()
    answer = HttpResponse(b"fine")

    def view(_: HttpRequest) -> HttpResponse:
        return answer

    handle = import_string(middleware)(view)
    for each in range(len(PATHS)):
        handle(request(each))
    for _ in sys.stdin:
        bare = spent_us(view, count)
        print(json.dumps({"us": spent_us(handle, count) - bare}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
