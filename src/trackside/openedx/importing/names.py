"""What openedx-webhooks calls signals and filters → the types that the platform calls them by.

Source: the choices and the handlers of openedx-webhooks 18.0.1, 21.0.1 and 22.0.0, November 2026.
"""

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

from msgspec import Struct

from trackside.openedx.signals.subscription import public_signals

_SIGNALS: Final[Mapping[str, Mapping[str, str]]] = {
    "learning": {
        "STUDENT_REGISTRATION_COMPLETED": "student.registration.completed.v1",
        "SESSION_LOGIN_COMPLETED": "auth.session.login.completed.v1",
        "COURSE_ENROLLMENT_CREATED": "course.enrollment.created.v1",
        "COURSE_ENROLLMENT_CHANGED": "course.enrollment.changed.v1",
        "COURSE_UNENROLLMENT_COMPLETED": "course.unenrollment.completed.v1",
        "CERTIFICATE_CREATED": "certificate.created.v1",
        "PROGRAM_CERTIFICATE_AWARDED": "program.certificate.awarded.v1",
        "CERTIFICATE_CHANGED": "certificate.changed.v1",
        "CERTIFICATE_REVOKED": "certificate.revoked.v1",
        "PROGRAM_CERTIFICATE_REVOKED": "program.certificate.revoked.v1",
        "COHORT_MEMBERSHIP_CHANGED": "cohort_membership.changed.v1",
        "COURSE_DISCUSSIONS_CHANGED": "discussions.configuration.changed.v1",
        "PERSISTENT_GRADE_SUMMARY_CHANGED": "course.persistent_grade_summary.changed.v1",
        "XBLOCK_SKILL_VERIFIED": "xblock.skill.verified.v1",
        "USER_NOTIFICATION_REQUESTED": "user.notification.requested.v1",
        "EXAM_ATTEMPT_SUBMITTED": "exam.attempt.submitted.v1",
        "EXAM_ATTEMPT_REJECTED": "exam.attempt.rejected.v1",
        "EXAM_ATTEMPT_VERIFIED": "exam.attempt.verified.v1",
        "EXAM_ATTEMPT_ERRORED": "exam.attempt.errored.v1",
        "EXAM_ATTEMPT_RESET": "exam.attempt.reset.v1",
        "COURSE_ACCESS_ROLE_ADDED": "user.course_access_role.added.v1",
        "COURSE_ACCESS_ROLE_REMOVED": "user.course_access_role.removed.v1",
        "FORUM_THREAD_CREATED": "forum.thread.created.v1",
        "FORUM_THREAD_RESPONSE_CREATED": "forum.thread.response.created.v1",
        "FORUM_RESPONSE_COMMENT_CREATED": "forum.thread.response.comment.created.v1",
        "COURSE_NOTIFICATION_REQUESTED": "course.notification.requested.v1",
        "ORA_SUBMISSION_CREATED": "ora.submission.created.v1",
        "COURSE_PASSING_STATUS_UPDATED": "course.passing.status.updated.v1",
        "CCX_COURSE_PASSING_STATUS_UPDATED": "ccx.course.passing.status.updated.v1",
        "BADGE_AWARDED": "badge.awarded.v1",
        "BADGE_REVOKED": "badge.revoked.v1",
        "IDV_ATTEMPT_CREATED": "idv_attempt.created.v1",
        "IDV_ATTEMPT_PENDING": "idv_attempt.pending.v1",
        "IDV_ATTEMPT_APPROVED": "idv_attempt.approved.v1",
        "IDV_ATTEMPT_DENIED": "idv_attempt.denied.v1",
        "EXTERNAL_GRADER_SCORE_SUBMITTED": "external_grader.score.submitted.v1",
        "LTI_PROVIDER_LAUNCH_SUCCESS": "lti_provider.launch.success.v1",
    },
    "content_authoring": {
        "COURSE_CATALOG_INFO_CHANGED": "course.catalog_info.changed.v1",
        "XBLOCK_CREATED": "xblock.created.v1",
        "XBLOCK_UPDATED": "xblock.updated.v1",
        "XBLOCK_PUBLISHED": "xblock.published.v1",
        "XBLOCK_DELETED": "xblock.deleted.v1",
        "XBLOCK_DUPLICATED": "xblock.duplicated.v1",
        "COURSE_CERTIFICATE_CONFIG_CHANGED": "course.certificate_config.changed.v1",
        "COURSE_CERTIFICATE_CONFIG_DELETED": "course.certificate_config.deleted.v1",
        "COURSE_CREATED": "course.created.v1",
        "CONTENT_LIBRARY_CREATED": "content_library.created.v1",
        "CONTENT_LIBRARY_UPDATED": "content_library.updated.v1",
        "CONTENT_LIBRARY_DELETED": "content_library.deleted.v1",
        "LIBRARY_BLOCK_CREATED": "library_block.created.v1",
        "LIBRARY_BLOCK_UPDATED": "library_block.updated.v1",
        "LIBRARY_BLOCK_DELETED": "library_block.deleted.v1",
        "LIBRARY_BLOCK_PUBLISHED": "library_block.published.v1",
        "CONTENT_OBJECT_ASSOCIATIONS_CHANGED": "content.object.associations.changed.v1",
        "CONTENT_OBJECT_TAGS_CHANGED": "content.object.tags.changed.v1",
        "LIBRARY_COLLECTION_CREATED": "content_library.collection.created.v1",
        "LIBRARY_COLLECTION_UPDATED": "content_library.collection.updated.v1",
        "LIBRARY_COLLECTION_DELETED": "content_library.collection.deleted.v1",
        "LIBRARY_CONTAINER_CREATED": "content_library.container.created.v1",
        "LIBRARY_CONTAINER_UPDATED": "content_library.container.updated.v1",
        "LIBRARY_CONTAINER_DELETED": "content_library.container.deleted.v1",
        "LIBRARY_CONTAINER_PUBLISHED": "content_library.container.published.v1",
        "COURSE_IMPORT_COMPLETED": "course.import.completed.v1",
        "COURSE_RERUN_COMPLETED": "course.rerun.completed.v1",
    },
    "authz": {
        "ROLE_ASSIGNMENT_CREATED": "role_assignment.created",
        "ROLE_ASSIGNMENT_DELETED": "role_assignment.deleted",
    },
}
"""Part of Open edX → constant → the rest of its type: for what is not installed where rows are imported."""


class KnownFilter(Struct, frozen=True):
    """A filter that openedx-webhooks has a handler for."""

    name: str
    """The name its handler looks rows up by."""
    type: str
    sends: tuple[str, ...] = ()
    """The fields that its receivers know, by the names that filter points have for them."""


_LEARNING: Final[Mapping[str, tuple[str, str]]] = {
    "StudentLoginRequested": ("student.login.requested", "user profile"),
    "StudentRegistrationRequested": ("student.registration.requested", "form_data"),
    "AccountSettingsRenderStarted": ("student.settings.render.started", "context template_name"),
    "CourseEnrollmentStarted": ("course.enrollment.started", "user profile course_key mode"),
    "CourseUnenrollmentStarted": ("course.unenrollment.started", "user profile enrollment"),
    "CertificateCreationRequested": (
        "certificate.creation.requested",
        "user course_key mode status grade generation_mode profile completion_summary",
    ),
    "CertificateRenderStarted": (
        "certificate.render.started",
        "context custom_template completion_summary",
    ),
    "CohortChangeRequested": (
        "cohort.change.requested",
        "current_membership target_cohort user user_profile course_key",
    ),
    "CohortAssignmentRequested": (
        "cohort.assignment.requested",
        "target_cohort user user_profile course_key",
    ),
    "CourseAboutRenderStarted": ("course_about.render.started", "context template_name"),
    "DashboardRenderStarted": ("dashboard.render.started", "context template_name"),
    "VerticalBlockChildRenderStarted": ("vertical_block_child.render.started", "block context"),
    "CourseEnrollmentQuerysetRequested": ("course_enrollment_queryset.requested", "enrollments"),
    "RenderXBlockStarted": ("xblock.render.started", "context student_view_context"),
    "VerticalBlockRenderCompleted": ("vertical_block.render.completed", "block fragment context view"),
    "CourseHomeUrlCreationStarted": ("course.homepage.url.creation.started", "course_key course_home_url"),
    "CourseEnrollmentAPIRenderStarted": (
        "home.enrollment.api.rendered",
        "course_key serialized_enrollment",
    ),
    "CourseRunAPIRenderStarted": ("home.courserun.api.rendered.started", "serialized_courserun"),
    "InstructorDashboardRenderStarted": ("instructor.dashboard.render.started", "context template_name"),
    "ORASubmissionViewRenderStarted": ("ora.submission_view.render.started", "context template_name"),
    "IDVPageURLRequested": ("idv.page.url.requested", "url"),
    "CourseAboutPageURLRequested": ("course_about.page.url.requested", "url org"),
    "ScheduleQuerySetRequested": ("schedule.queryset.requested", "schedules"),
    "InstructorDashboardTabsRequested": ("instructor.dashboard.tabs.requested", "tabs user course_key"),
    "AccountSettingsReadOnlyFieldsRequested": (
        "account.settings.read_only_fields.requested",
        "readonly_fields user",
    ),
    "GradeEventContextRequested": ("grade.context.requested", "context user_id course_id"),
}
FILTERS: Final[Mapping[str, KnownFilter]] = {
    name: KnownFilter(name, f"org.openedx.learning.{rest}.v1", tuple(sends.split()))
    for name, (rest, sends) in _LEARNING.items()
} | {
    "LMSPageURLRequested": KnownFilter(
        "LMSPageURLRequested", "org.openedx.content_authoring.lms.page.url.requested.v1", ("url", "org")
    )
}
"""All of them, by name."""
OLD_NAMES: Final[Mapping[str, str]] = {
    "StudentSettingsRenderStarted": "AccountSettingsRenderStarted",
    "XblockRenderStarted": "RenderXBlockStarted",
    "CourseHomepageUrlCreationStarted": "CourseHomeUrlCreationStarted",
    "HomeEnrollmentApiRendered": "CourseEnrollmentAPIRenderStarted",
    "HomeCourserunApiRenderedStarted": "CourseRunAPIRenderStarted",
    "OraSubmissionViewRenderStarted": "ORASubmissionViewRenderStarted",
    "IdvPageUrlRequested": "IDVPageURLRequested",
    "CourseAboutPageUrlRequested": "CourseAboutPageURLRequested",
    "ScheduleQuerysetRequested": "ScheduleQuerySetRequested",
    "AuthoringLmsPageUrlRequested": "LMSPageURLRequested",
}
"""What the admin stored before 22.0.0 where the handler looks for another name."""


def signal_type(constant: str) -> str | None:
    """Return the type of the signal that a constant names: of the installed release, else as it was known."""
    return installed_signals().get(constant) or next(
        (_type(part, names[constant]) for part, names in _SIGNALS.items() if constant in names), None
    )


def installed_signals() -> dict[str, str]:
    """Return the constants of the installed openedx-events, each with its type."""
    known = {id(signal): signal.event_type for signal in public_signals()}
    return {
        constant: known[id(value)]
        for name, module in sorted(sys.modules.items())
        if name.startswith("openedx_events.") and name.endswith(".signals")
        for constant, value in vars(module).items()
        if id(value) in known
    }


def filter_named(stored: str) -> KnownFilter | None:
    """Return the filter that a stored name means, an old one or one in other letters too."""
    found = FILTERS.get(OLD_NAMES.get(stored, stored))
    if found is None:
        small = {name.lower(): known for name, known in FILTERS.items()}
        found = small.get(stored.lower())
    return found or _installed_filters().get(stored)


def _installed_filters() -> dict[str, KnownFilter]:
    """Return the filters of the installed openedx-filters: a later release of openedx-webhooks may know more."""
    try:
        import_module("openedx_filters.learning.filters")
        kinds: list[Any] = import_module("openedx_filters.tooling").OpenEdxPublicFilter.__subclasses__()
    except ImportError:
        return {}
    return {kind.__name__: KnownFilter(kind.__name__, kind.filter_type) for kind in kinds if kind.filter_type}


def _type(part: str, rest: str) -> str:
    return f"org.openedx.{part}.{rest}"
