"""What each filter of openedx-filters sends and lets be changed: what is safe for everybody, and what receivers know.

Source: openedx-filters 3.16.0; the names that are sent are those of openedx-webhooks 22.0.0 where it knows the filter.
Filters that are not here get a part for each argument by its name.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final

from trackside.openedx.filters.names import is_identity, is_secret
from trackside.openedx.filters.parts.base import Part
from trackside.openedx.filters.parts.completion import Completion, of_arguments, of_context
from trackside.openedx.filters.parts.pages import Block, Form, FormDescription, Fragment, Named, Response
from trackside.openedx.filters.parts.plain_values import (
    Amount,
    Anything,
    Context,
    Grade,
    Growing,
    Items,
    Key,
    Said,
    Template,
    Url,
    Value,
    Word,
)
from trackside.openedx.filters.parts.querysets import Rows
from trackside.openedx.filters.parts.rows import Row, User

Parts = tuple[Part, ...]

_COHORT: Final = ("id", "name", "course_id", "group_type")
_ENROLLMENT: Final = ("id", "user_id", "course_id", "mode", "is_active", "created")
_COURSE: Final = ("id", "display_name", "org", "number", "start", "end", "enrollment_start", "enrollment_end")
_COURSE_DETAILS: Final = (
    "title",
    "subtitle",
    "short_description",
    "language",
    "start_date",
    "end_date",
    "enrollment_start",
    "enrollment_end",
    "effort",
    "duration",
    "self_paced",
)
_COURSE_KEY: Final = Said("course_key", str)
_PAGE: Final = (Context("context"), Template("template_name"))
_FORM: Final = (
    FormDescription("form_desc"),
    # what the provider said of the user, and the state of OAuth, is not sent
    Named("running_pipeline", "backend"),
    Named("current_provider", "provider_id", "name", "skip_registration_form"),
)

_LEARNING: Final[Mapping[str, Parts]] = {
    "student.settings.render.started.v1": _PAGE,
    "student.registration.requested.v1": (Form("form_data"),),
    "student.login.requested.v1": (User(),),
    "course.enrollment.started.v1": (User(), Key("course_key"), Value("mode", Word)),
    "course.enrollment.view.started.v1": (
        User(),
        Key("course_key"),
        Said("requester_is_backend_service", bool),
    ),
    "course.unenrollment.started.v1": (
        Row("enrollment", sent=_ENROLLMENT, course_key="course_id"),
        User("enrollment", "user"),
    ),
    "certificate.creation.requested.v1": (
        User(),
        Key("course_key"),
        Value("mode", Word),
        Value("status", Word),
        Grade("grade"),
        Value("generation_mode", Word),
        Completion("user", of_arguments),
    ),
    # the template itself is code of the server
    "certificate.render.started.v1": (
        Context("context"),
        Row(
            "custom_template",
            sent=(
                "id",
                "name",
                "description",
                "organization_id",
                "course_key",
                "mode",
                "is_active",
                "language",
            ),
            changed=("name", "description"),
        ),
        Completion("context", of_context),
    ),
    "cohort.change.requested.v1": (
        Row("current_membership", sent=("id", "user_id", "course_id", "course_user_group_id")),
        Row("target_cohort", sent=_COHORT, changed=("name",), course_key="course_id"),
        User("current_membership", "user", profile="user_profile", changed=False),
    ),
    "cohort.assignment.requested.v1": (
        Row("target_cohort", sent=_COHORT, changed=("name",), course_key="course_id"),
        User(profile="user_profile"),
    ),
    "course_about.render.started.v1": (
        Context("context", objects={"course": _COURSE, "course_details": _COURSE_DETAILS}),
        Template("template_name"),
    ),
    "dashboard.render.started.v1": _PAGE,
    "vertical_block_child.render.started.v1": (Block("block"), Context("context")),
    "course_enrollment_queryset.requested.v1": (Rows("enrollments", related=("course__org",)),),
    "xblock.render.started.v1": (Context("context"), Context("student_view_context")),
    "vertical_block.render.completed.v1": (
        Block("block"),
        Fragment("fragment"),
        Context("context"),
        Value("view", Word),
    ),
    "course.homepage.url.creation.started.v1": (
        Said("course_key", str, also_as="course_id"),
        Url("course_home_url"),
    ),
    "home.enrollment.api.rendered.v1": (
        Said("course_key", str, also_as="course_id"),
        Context("serialized_enrollment"),
    ),
    "home.courserun.api.rendered.started.v1": (Context("serialized_courserun"),),
    "instructor.dashboard.render.started.v1": _PAGE,
    "instructor.dashboard.tabs.requested.v1": (Items("tabs"), User(changed=False), _COURSE_KEY),
    "ora.submission_view.render.started.v1": _PAGE,
    "idv.page.url.requested.v1": (Url("url"),),
    "course_about.page.url.requested.v1": (Url("url"), Said("org", str | None)),
    "schedule.queryset.requested.v1": (
        Rows(
            "schedules",
            related=(
                "enrollment__course_id",
                "enrollment__course__org",
                "enrollment__mode",
                "enrollment__is_active",
                "enrollment__user_id",
            ),
        ),
    ),
    "account.settings.read_only_fields.requested.v1": (Growing("readonly_fields"), User(changed=False)),
    "grade.context.requested.v1": (Context("context"), Said("user_id", int), Said("course_id", str)),
    "courseware.view.started.v1": (_COURSE_KEY, Value("view_name", Word)),
    "course.start_date.validation_failed.v1": (_COURSE_KEY, Value("start_date", datetime)),
    "courseware.access_checks.requested.v1": (User(), _COURSE_KEY),
    "discount.eligibility.check.requested.v1": (User(), _COURSE_KEY),
    "course_mode.price.requested.v1": (
        User(changed=False),
        Named("course_mode_data", "slug", "name", "min_price", "currency", "expiration_datetime", "sku"),
        Value("price", Amount),
    ),
    "support.contact.context.requested.v1": (Context("context"),),
    "support.enrollment.data.requested.v1": (Items("enrollments_data"), User(changed=False)),
}
_AUTHENTICATION: Final[Mapping[str, Parts]] = {
    "logistration_view.context.generated.v1": (Context("context"),),
    "mfe.context.generated.v1": (Context("context"), Context("extra_context")),
    "login.alt_redirect_url.requested.v1": (Url("redirect_url"), User(changed=False)),
    "login.form.generated.v1": _FORM,
    "registration.form.generated.v1": _FORM,
    "logistration_view.render.completed.v1": (Response("response"), Context("context")),
    "account_activation.email.context.generated.v1": (
        User(changed=False),
        # a link that activates the account is among the others
        Context(
            "message_context",
            only=(
                "platform_name",
                "lms_url",
                "site_name",
                "support_url",
                "registration_flow",
                "is_enterprise_learner",
            ),
        ),
    ),
}
KNOWN: Final[Mapping[str, Parts]] = {
    **{f"org.openedx.learning.{name}": parts for name, parts in _LEARNING.items()},
    **{f"org.openedx.authentication.{name}": parts for name, parts in _AUTHENTICATION.items()},
    "org.openedx.content_authoring.lms.page.url.requested.v1": (Url("url"), Said("org", str | None)),
    "org.openedx.management.command.contextmanager.requested.v1": (
        Value("command_name", Word),
        Said("service_variant", str | None),
        Part("command_contextmanager"),
    ),
}
"""Type of a filter → its parts."""
_BY_NAME: Final[Mapping[str, Callable[[str], Part]]] = {
    "user": lambda name: User(name, changed=False),
    "course_key": lambda name: Said(name, str),
    "context": Context,
    "template_name": Template,
    "url": Url,
    "redirect_url": Url,
    "form_data": Form,
    "block": Block,
    "fragment": Fragment,
    "form_desc": FormDescription,
    "running_pipeline": lambda name: Named(name, "backend"),
    "current_provider": lambda name: Named(name, "provider_id"),
    "response": Response,
    "message_context": lambda name: Context(name, only=()),
}
"""What an argument of this name is wherever it appears."""


def parts_of(filter_type: str, arguments: Iterable[str]) -> Parts:
    """Return the parts of a filter: those that are known, and others for arguments that they leave out."""
    present = tuple(arguments)
    known = [part for part in KNOWN.get(filter_type, ()) if part.name in present]
    covered = {name for part in known for name in part.arguments}
    return (*known, *(_part(name) for name in present if name not in covered))


def _part(name: str) -> Part:
    if is_secret(name):
        return Part(name)
    made = _BY_NAME.get(name)
    if made is not None:
        return made(name)
    return Said(name) if is_identity(name) else Anything(name)
