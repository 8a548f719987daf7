"""Runs every filter with openedx-webhooks installed, a webfilter of its own for each; prints how many asked.

For an environment that has openedx-webhooks, in a process of its own; the questions are counted where it hands them to
`requests`. What it imports of the platform is stood in for.
"""

import inspect
import json
import sys
import types
from contextlib import suppress
from typing import Any
from unittest import mock

from django.conf import settings

from tests.openedx.filters.host.platform import COURSE, arguments, set_up


def main() -> None:
    """Count."""
    from openedx_webhooks.settings import cms, common

    config = types.SimpleNamespace(OPEN_EDX_FILTERS_CONFIG={})
    common.plugin_settings(config)
    cms.plugin_settings(config)
    settings.configure(
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "openedx_events",
            "openedx_webhooks",
            "tests.openedx.filters.host.apps.PlatformConfig",
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        LOGGING={},
        OPEN_EDX_FILTERS_CONFIG=config.OPEN_EDX_FILTERS_CONFIG,
        USE_TZ=True,
    )
    rows = set_up()
    _stand_in("lms.djangoapps.courseware.courses", get_course_blocks_completion_summary=lambda *_: {})
    _stand_in("common.djangoapps.student.models", UserProfile=type(rows.profile))
    from openedx_filters import tooling
    from openedx_filters.content_authoring import filters as _authoring  # noqa: F401  # defines its filters
    from openedx_filters.learning import filters as _learning  # noqa: F401
    from openedx_webhooks.models import Webfilter

    for name in ("authentication", "management"):
        with suppress(ImportError):
            __import__(f"openedx_filters.{name}.filters")
    for name, _ in Webfilter._meta.get_field("event").choices:
        Webfilter.objects.create(event=name, webhook_url="http://127.0.0.1:9/")
    classes = {
        each.filter_type: each for each in tooling.OpenEdxPublicFilter.__subclasses__() if each.filter_type
    }
    page = {
        "accomplishment_user_id": rows.user.pk,
        "course_id": COURSE,
        "course": types.SimpleNamespace(display_name="A course"),
        "course_details": types.SimpleNamespace(title="A course"),
    }
    reached = 0
    with mock.patch("requests.post", return_value=_answer()) as post:
        for each in classes.values():
            before = post.call_count
            names = tuple(inspect.signature(each.run_filter).parameters)
            # with the objects of a page in them, one question would take minutes
            plain = {name: dict(page) for name in names if name.endswith("context")}
            with suppress(Exception):  # what becomes of the answer is not counted
                each.run_filter(**arguments(rows, names) | plain)
            reached += post.call_count > before
    json.dump({"reached": reached, "filters": len(classes)}, sys.stdout)


def _answer() -> Any:
    return mock.Mock(status_code=200, headers={}, json=dict, text="{}", ok=True)


def _stand_in(path: str, **members: Any) -> None:
    for end in range(1, len(path.split(".")) + 1):
        name = ".".join(path.split(".")[:end])
        sys.modules.setdefault(name, types.ModuleType(name))
    vars(sys.modules[path]).update(members)


if __name__ == "__main__":
    main()
