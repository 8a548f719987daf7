"""Makes a database as openedx-webhooks has it, and lets it send; for an environment that has the package.

The input is a JSON object: `database` (a file), `webhooks` and `webfilters` (rows), `old` (whether the database stays
as the releases before 22 leave it), `send` (whether two signals and two filters are sent). Prints the choices of both
models.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

from django.conf import settings

import django

BEFORE_22 = "0007_alter_webfilter_event"
JOINED = datetime(2026, 1, 26, 16, 22, 57, 939_766, UTC)
FORM = {"name": "Zoë", "username": "zoe", "email": "u@example.org", "terms_of_service": "true", "goals": ""}
ACCOUNT = {"id": 4, "username": "zoe", "email": "u@example.org", "first_name": "Zoë", "date_joined": JOINED}


def main() -> None:
    """Make it, and send."""
    asked = json.load(sys.stdin)
    settings.configure(
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "openedx_events",
            "openedx_webhooks",
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": asked["database"]}},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        OPEN_EDX_FILTERS_CONFIG={},
        SERVICE_VARIANT="lms",
        LOGGING={},
        USE_TZ=True,
    )
    django.setup()
    from django.core.management import call_command
    from openedx_webhooks.models import Webfilter, Webhook

    logging.disable(logging.CRITICAL)
    call_command("migrate", "openedx_webhooks", BEFORE_22, verbosity=0)
    for model, rows in ((Webhook, asked["webhooks"]), (Webfilter, asked["webfilters"])):
        for row in rows:
            model.objects.create(**row)
    if not asked["old"]:
        call_command("migrate", "openedx_webhooks", verbosity=0)
    if asked["send"]:
        _send_signals()
        _run_filters()
    fields = [model._meta.get_field("event") for model in (Webhook, Webfilter)]
    json.dump([[name for name, _ in field.choices] for field in fields], sys.stdout)


def _send_signals() -> None:
    from django.utils.module_loading import import_string
    from openedx_webhooks import receivers
    from openedx_webhooks.apps import WebhooksConfig

    from tests.openedx.generated import arguments

    for config in WebhooksConfig.plugin_app["signals_config"].values():
        for each in config["receivers"]:
            signal = import_string(each["signal_path"])
            signal.connect(getattr(receivers, each["receiver_func_name"]), dispatch_uid=each["signal_path"])
    for signal in signals():
        signal.send_event(**arguments(signal))


def signals() -> list[Any]:
    """Return the two signals that both send."""
    from openedx_events.learning.signals import COURSE_ENROLLMENT_CREATED, STUDENT_REGISTRATION_COMPLETED

    return [COURSE_ENROLLMENT_CREATED, STUDENT_REGISTRATION_COMPLETED]


def _run_filters() -> None:
    _stand_in_for_the_platform()
    from django.contrib.auth.models import Group, User
    from django.http import QueryDict
    from openedx_filters.learning.filters import StudentLoginRequested, StudentRegistrationRequested
    from openedx_webhooks.settings.common import plugin_settings

    plugin_settings(settings)
    User.profile = property(lambda self: Group(id=2, name="Zoë"))  # type: ignore[attr-defined]  # for its fields
    StudentLoginRequested.run_filter(user=User(**ACCOUNT))
    form = QueryDict(mutable=True)
    form.update(FORM)
    StudentRegistrationRequested.run_filter(form_data=form)


def _stand_in_for_the_platform() -> None:
    """Have the two modules of the platform that it imports names from."""
    for path, name in (
        ("common.djangoapps.student.models", "UserProfile"),
        ("lms.djangoapps.courseware.courses", "get_course_blocks_completion_summary"),
    ):
        parts = path.split(".")
        for end in range(1, len(parts) + 1):
            sys.modules.setdefault(".".join(parts[:end]), ModuleType(".".join(parts[:end])))
        setattr(sys.modules[path], name, type(name, (), {}))


if __name__ == "__main__":
    main()
