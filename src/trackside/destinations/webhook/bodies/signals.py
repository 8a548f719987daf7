"""Which class the data of each Open edX signal has: openedx-webhooks names the payload by it.

Source: openedx-events 10.5.0 and 11.2.0, April 2026.
"""

_CLASSES = {
    "analytics": {"tracking_log": "TrackingLogData"},
    "authz": {"role_assignment": "RoleAssignmentData"},
    "content_authoring": {
        "catalog_info": "CourseCatalogData",
        "certificate_config": "CertificateConfigData",
        "content_library": "ContentLibraryData",
        "content_object": "ContentObjectData",
        "course": "CourseData",
        "library_block": "LibraryBlockData",
        "library_collection": "LibraryCollectionData",
        "library_container": "LibraryContainerData",
        "xblock_info": "XBlockData",
    },
    "enterprise": {
        "enterprise_group": "EnterpriseGroup",
        "learner_credit_course_enrollment": "LearnerCreditEnterpriseCourseEnrollment",
        "ledger_transaction": "LedgerTransaction",
        "redemption": "SubsidyRedemption",
    },
    "learning": {
        "badge": "BadgeData",
        "certificate": "CertificateData",
        "cohort": "CohortData",
        "configuration": "CourseDiscussionConfigurationData",
        "course_access_role_data": "CourseAccessRoleData",
        "course_notification_data": "CourseNotificationData",
        "course_passing_status": "CoursePassingStatusData",
        "enrollment": "CourseEnrollmentData",
        "exam_attempt": "ExamAttemptData",
        "grade": "PersistentCourseGradeData",
        "idv_attempt": "VerificationAttemptData",
        "launch_data": "LtiProviderLaunchData",
        "notification_data": "UserNotificationData",
        "program_certificate": "ProgramCertificateData",
        "score": "ExternalGraderScoreData",
        "submission": "ORASubmissionData",
        "thread": "DiscussionThreadData",
        "user": "UserData",
        "xblock_info": "XBlockSkillVerificationData",
    },
}
"""Part of Open edX → name of the signal's argument → class."""
_OTHERWISE = {
    "org.openedx.content_authoring.content.object.associations.changed.v1": "ContentObjectChangedData",
    "org.openedx.content_authoring.xblock.duplicated.v1": "DuplicatedXBlockData",
    "org.openedx.learning.ccx.course.passing.status.updated.v1": "CcxCoursePassingStatusData",
}
"""Signals whose argument is called as another's, and is of another class."""


def class_path(signal: str, argument: str) -> str:
    """Return `openedx_events.learning.data.UserData`; the argument's name where its class is not known."""
    part = signal.split(".")[2] if signal.count(".") >= 2 else ""
    known = _CLASSES.get(part, {}).get(argument)
    if known is None:
        return argument
    return f"openedx_events.{part}.data.{_OTHERWISE.get(signal, known)}"
