"""A platform that is set up, with rows, and arguments for each of its filters made from their names."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import django

COURSE = "course-v1:edX+DemoX+2026"
HASH = "pbkdf2_sha256$1000000$hash-of-a-password"


class Fragment:
    """Like that of web_fragments."""

    def __init__(self) -> None:
        self.content = "<p>rendered</p>"


class FormDescription:
    """Like the platform's: properties are overridden before fields are added."""

    method, submit_url = "post", "/login"

    def __init__(self) -> None:
        self.overridden: dict[str, Any] = {}

    def override_field_properties(self, name: str, **properties: Any) -> None:
        """Keep them."""
        self.overridden[name] = properties


class Grade:
    """Like CourseGrade."""

    def __init__(self) -> None:
        self.percent, self.letter_grade, self.passed = 0.5, "C", True


class Rows:
    """The rows that arguments are made of."""

    def __init__(self) -> None:
        from django.contrib.auth.models import User

        from tests.openedx.filters.host.models import (
            CertificateTemplate,
            Cohort,
            Enrollment,
            Membership,
            Profile,
            Schedule,
        )

        self.user = User.objects.create(
            username="zoe", email="zoe@example.org", first_name="Zoe", password=HASH, is_superuser=True
        )
        self.profile = Profile.objects.create(user=self.user, name="Zoe", meta="a secret of the session")
        self.enrollment = Enrollment.objects.create(user=self.user, course_id=COURSE)
        Enrollment.objects.create(user=self.user, course_id="course-v1:edX+Other+1", mode="verified")
        self.cohort = Cohort.objects.create(name="A", course_id=COURSE)
        self.membership = Membership.objects.create(
            course_user_group=self.cohort, user=self.user, course_id=COURSE
        )
        self.template = CertificateTemplate.objects.create(name="T", template="${code}")
        self.schedule = Schedule.objects.create(
            enrollment=self.enrollment, start_date=datetime(2026, 1, 2, tzinfo=UTC)
        )

    def fresh(self, name: str) -> Any:
        """Return a row, read anew."""
        row = getattr(self, name)
        return type(row).objects.get(pk=row.pk)


def set_up() -> Rows:
    """Start the platform, with tables and rows."""
    django.setup()
    from django.core.management import call_command

    logging.disable(logging.CRITICAL)
    call_command("migrate", run_syncdb=True, verbosity=0)
    return Rows()


def arguments(rows: Rows, names: tuple[str, ...]) -> dict[str, Any]:
    """Return arguments of these names."""
    return {name: _MADE[name](rows) for name in names}


def _key(_: Rows) -> Any:
    from opaque_keys.edx.keys import CourseKey

    return CourseKey.from_string(COURSE)


def _block(_: Rows) -> Any:
    from opaque_keys.edx.keys import UsageKey

    return SimpleNamespace(
        location=UsageKey.from_string("block-v1:edX+DemoX+2026+type@problem+block@p1"),
        category="problem",
        display_name="A problem",
    )


def _form(_: Rows) -> Any:
    from django.http import QueryDict

    form = QueryDict(mutable=True)
    form.update({"name": "Zoe", "email": "zoe@example.org", "username": "zoe", "country": "FR"})
    form["password"] = "not for others"
    return form


def _context(rows: Rows) -> dict[str, Any]:
    from django.contrib.auth.models import User

    return {
        "title": "A page",
        "csrf_token": "secret-csrf",
        "user": rows.user,
        "users": User.objects.all(),
        "start": datetime(2026, 1, 2, tzinfo=UTC),
        "enabled": True,
        "count": 3,
        "inner": {"text": "inside", "is_staff": False, "activation_key": "secret-key"},
        "object": object(),
        "finish_auth_url": "/finish",
    }


def _response(_: Rows) -> Any:
    from django.http import HttpResponse

    response = HttpResponse("page")
    response.set_cookie("sessionid", "secret-session")
    return response


def _queryset(name: str) -> Callable[[Rows], Any]:
    def made(rows: Rows) -> Any:
        return type(getattr(rows, name)).objects.all()

    return made


def _row(name: str) -> Callable[[Rows], Any]:
    return lambda rows: rows.fresh(name)


def _plain(value: Any) -> Callable[[Rows], Any]:
    return lambda rows: value


_MADE: dict[str, Callable[[Rows], Any]] = {
    "user": _row("user"),
    "enrollment": _row("enrollment"),
    "current_membership": _row("membership"),
    "target_cohort": _row("cohort"),
    "custom_template": _row("template"),
    "enrollments": _queryset("enrollment"),
    "schedules": _queryset("schedule"),
    "course_key": _key,
    "course_id": _plain(COURSE),
    "user_id": lambda rows: rows.user.pk,
    "mode": _plain("audit"),
    "status": _plain("downloadable"),
    "generation_mode": _plain("self"),
    "grade": lambda _: Grade(),
    "view": _plain("student_view"),
    "view_name": _plain("index"),
    "org": _plain("edX"),
    "url": _plain("/before"),
    "redirect_url": _plain("/before"),
    "course_home_url": _plain("/before"),
    "template_name": _plain("host/page.html"),
    "context": _context,
    "extra_context": lambda _: {},
    "student_view_context": _context,
    "serialized_enrollment": lambda _: {"isEnrolled": True, "mode": "audit"},
    "serialized_courserun": lambda _: {"courseId": COURSE, "homeUrl": "/home"},
    "message_context": lambda _: {
        "platform_name": "edX",
        "confirm_activation_link": "https://lms.example.org/activate/secret-key",
        "key": "secret-key",
    },
    "form_data": _form,
    "form_desc": lambda _: FormDescription(),
    "running_pipeline": lambda _: {
        "backend": "google-oauth2",
        "kwargs": {"response": {"access_token": "secret-oauth"}, "details": {}},
    },
    "current_provider": lambda _: SimpleNamespace(
        provider_id="oa2-google", name="Google", secret="secret-oauth"
    ),
    "response": _response,
    "block": _block,
    "fragment": lambda _: Fragment(),
    "tabs": lambda _: [{"tab_id": "info", "title": "Info", "url": "/info"}],
    "readonly_fields": lambda _: {"username"},
    "start_date": _plain(datetime(2030, 1, 1, tzinfo=UTC)),
    "requester_is_backend_service": _plain(False),
    "course_mode_data": lambda _: SimpleNamespace(slug="verified", min_price=100, currency="usd"),
    "price": _plain(100),
    "command_contextmanager": lambda _: object(),
    "command_name": _plain("migrate"),
    "service_variant": _plain("lms"),
    "enrollments_data": lambda _: [{"course_id": COURSE, "mode": "audit", "id": 5}],
}
