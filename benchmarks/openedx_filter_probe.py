"""Calls of one filter in one process of the baseline's environment; prints what they cost as JSON.

python -m benchmarks.openedx_filter_probe trackside FOLDER CALLS
python -m benchmarks.openedx_filter_probe openedx-webhooks "" CALLS
"""

import json
import sys
import types
from typing import Any

from openedx_filters import PipelineStep

from benchmarks.openedx_probe import found, set_up

NOTHING = "benchmarks.openedx_filter_probe.NothingStep"
PATH = "org.openedx.learning.course.enrollment.started.v1"
COURSE = "course-v1:edX+DemoX+2026"


class NothingStep(PipelineStep):
    """A step that changes nothing."""

    def run_filter(self, **_: Any) -> dict[str, Any]:
        """Return no change."""
        return {}


def measured(count: int) -> dict[str, dict[str, float]]:
    """Return what a call costs with a step that does nothing, and as the plugin has configured it; in turns."""
    from django.conf import settings
    from django.contrib.auth.models import User
    from opaque_keys.edx.keys import CourseKey
    from openedx_filters.learning.filters import CourseEnrollmentStarted, CourseUnenrollmentStarted

    user = User.objects.create(username="zoe", email="zoe@example.org", password="hash")
    key = CourseKey.from_string(COURSE)
    settings.OPEN_EDX_FILTERS_CONFIG[CourseUnenrollmentStarted.filter_type] = {"pipeline": [NOTHING]}

    def nothing() -> None:
        CourseUnenrollmentStarted.run_filter(enrollment=user)

    def call() -> None:
        CourseEnrollmentStarted.run_filter(user=user, course_key=key, mode="audit")

    for _ in range(100):
        call()
    return found(count, 0, nothing=nothing, call=call)


def trackside(folder: str, count: int) -> dict[str, dict[str, float]]:
    """Return what a call costs with our step, the webfilters of the database followed, and none there."""
    config = types.SimpleNamespace(OPEN_EDX_FILTERS_CONFIG={}, INSTALLED_APPS=[], MIDDLEWARE=[])
    from trackside.openedx.settings.pipelines import add_steps

    add_steps(config)
    set_up(
        folder,
        "trackside.django",
        "trackside.openedx",
        TRACKSIDE={"data_dir": f"{folder}/log"},
        OPEN_EDX_FILTERS_CONFIG=config.OPEN_EDX_FILTERS_CONFIG,
    )
    from trackside.django.webfilters.following import FollowingWebfilters
    from trackside.django.webfilters.installing import current

    assert isinstance(current(), FollowingWebfilters), "the rows of the database are not followed"
    return measured(count)


def openedx_webhooks(count: int) -> dict[str, dict[str, float]]:
    """Return what a call costs with its step, and no webfilter; what it imports of the platform is stood in for."""
    _stand_in("lms.djangoapps.courseware.courses", get_course_blocks_completion_summary=None)
    _stand_in("common.djangoapps.student.models", UserProfile=None)
    from openedx_webhooks.settings import common

    config = types.SimpleNamespace(OPEN_EDX_FILTERS_CONFIG={})
    common.plugin_settings(config)
    set_up("", "openedx_webhooks", OPEN_EDX_FILTERS_CONFIG=config.OPEN_EDX_FILTERS_CONFIG)
    return measured(count)


def _stand_in(path: str, **members: Any) -> None:
    names = path.split(".")
    for end in range(1, len(names) + 1):
        name = ".".join(names[:end])
        sys.modules.setdefault(name, types.ModuleType(name))
    vars(sys.modules[path]).update(members)


if __name__ == "__main__":
    _, whose, where, times = sys.argv
    print(json.dumps(trackside(where, int(times)) if whose == "trackside" else openedx_webhooks(int(times))))
