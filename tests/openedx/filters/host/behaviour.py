"""Tries what filters do with answers and with settings, on a platform with a receiver; prints what happened as JSON."""

import json
import sys
from typing import Any

from tests.openedx.filters.host import steps
from tests.openedx.filters.host.defects import Platform
from tests.openedx.filters.host.hooks import obeyed
from tests.openedx.filters.host.platform import COURSE, set_up
from tests.openedx.filters.host.receiver import listening
from tests.openedx.filters.host.run_all import show

LOGIN = "student.login.requested.v1"
REPORT = "org.example.report.requested.v1"


def outcome(platform: Platform, name: str, data: Any, **given: Any) -> list[Any]:
    """Return what came of an answer's data: what the record says, and what the filter returned."""
    platform.receiver.says({"data": data})
    with obeyed(platform.receiver) as records:
        result = platform.run(name, **given)
    return [records[-1].hooks[0].outcome, platform.said(result)]


def other_package(platform: Platform) -> Any:
    """Run a filter that no table knows."""
    given = {
        "user": platform.rows.user,
        "title": "T",
        "options": {"a": 1, "id": 5},
        "is_staff": False,
        "thing": object(),
    }
    found = {
        what: outcome(platform, REPORT, data, **given)
        for what, data in {
            "title": {"title": "Changed"},
            "kind": {"title": 5},
            "options": {"options": {"a": 2, "b": [1]}},
            "option's kind": {"options": {"a": "text"}},
            "id": {"options": {"id": 6}},
            "staff": {"is_staff": True},
            "thing": {"thing": {"a": 1}},
            "user": {"user": {"first_name": "T"}},
        }.items()
    }
    sent = platform.receiver.bodies[0]
    platform.receiver.says(
        {"exception": {"PreventReport": {"message": "No", "attempts": 3, "details": {"a": 1}}}}
    )
    with obeyed(platform.receiver):
        error = platform.run(REPORT, **given)
    return {"found": found, "sent": sent, "error": [str(error), error.attempts, error.details]}


def operators_pipelines(platform: Platform) -> Any:
    """Run filters whose pipelines an operator has, as a dict, a list and a text."""
    found = {}
    for name in (
        "idv.page.url.requested.v1",
        "course_about.page.url.requested.v1",
        "dashboard.render.started.v1",
    ):
        steps.RUN.clear()
        idle = platform.said(platform.run(name)) if "url" in name else None
        changed = outcome(
            platform, name, {"url": "/changed"} if "url" in name else {"template_name": "host/other.html"}
        )
        found[name] = [idle, changed[1] if "url" in name else changed[1][1], list(steps.RUN)]
    return found


def profiles(platform: Platform) -> Any:
    """Change a profile, well and badly; count the queries of a question."""
    found = {
        str(data): outcome(platform, LOGIN, {"profile": data})[0]
        for data in (
            {"name": "Changed", "year_of_birth": 1990, "gender": "f", "country": None},
            {"year_of_birth": "long ago"},
            {"gender": "unheard of"},
            {"country": "Freedonia"},
            {"name": None},
            {"language": "en"},
            {"meta": "{}"},
            {"user": 2},
        )
    }
    platform.receiver.says({})
    with obeyed(platform.receiver):
        queries = platform.queries(lambda: platform.run(LOGIN, user=platform.rows.fresh("user")))
    return {"outcomes": found, "saved": show(platform.rows.fresh("profile")), "queries": len(queries) - 1}


def nobody(platform: Platform) -> Any:
    """Ask about a user that there is not."""
    result = outcome(platform, LOGIN, {"user": {"first_name": "T"}}, user=None)
    return [*result, platform.receiver.bodies[0]["user"]]


def opted(platform: Platform) -> Any:
    """Change and send what the settings name besides."""
    fragment = platform.run("vertical_block.render.completed.v1")[1]
    return {
        "form": outcome(
            platform, "student.registration.requested.v1", {"form_data": {"email": "n@example.org"}}
        ),
        "username": outcome(platform, "student.registration.requested.v1", {"form_data": {"username": "n"}})[
            0
        ],
        "user": outcome(platform, LOGIN, {"user": {"email": "n@example.org"}})[0],
        "bad email": outcome(platform, LOGIN, {"user": {"email": "none"}})[0],
        "saved": platform.rows.fresh("user").email,
        "fragment": outcome(
            platform,
            "vertical_block.render.completed.v1",
            {"fragment": {"content": "plain"}},
            fragment=fragment,
        )[0],
        "content": fragment.content,
        "sent": outcome(
            platform, "org.openedx.authentication.account_activation.email.context.generated.v1", {}
        )
        and platform.receiver.bodies[0]["message_context"],
    }


def completion(platform: Platform) -> Any:
    """Ask about certificates, without the LMS and with what it has of it."""
    from types import ModuleType

    created, shown = "certificate.creation.requested.v1", "certificate.render.started.v1"
    context = {"accomplishment_user_id": platform.rows.user.pk, "course_id": COURSE}
    sent = []

    def ask() -> None:
        platform.receiver.says({})
        with obeyed(platform.receiver):
            platform.run(created)
            platform.run(shown, context=context)
        sent.append([body["completion_summary"] for body in platform.receiver.bodies])

    ask()
    courses = ModuleType("lms.djangoapps.courseware.courses")
    vars(courses)["get_course_blocks_completion_summary"] = lambda key, user: {
        "of": [str(key), user.username]
    }
    for name in ("lms", "lms.djangoapps", "lms.djangoapps.courseware"):
        sys.modules[name] = ModuleType(name)
    sys.modules[courses.__name__] = courses
    ask()
    return sent


def failing_save(platform: Platform) -> Any:
    """Change a user that cannot be saved, inside a transaction."""
    from django.contrib.auth.models import User
    from django.db import transaction
    from django.db.models.signals import pre_save

    def fail(**_: Any) -> None:
        raise RuntimeError("not now")

    user = platform.rows.fresh("user")
    before = user.last_name
    pre_save.connect(fail, sender=User)
    with transaction.atomic():
        result = outcome(platform, LOGIN, {"user": {"last_name": "Other"}}, user=user)
        again = User.objects.count()  # the transaction is whole
    pre_save.disconnect(fail, sender=User)
    return [result[0], user.last_name == before, again]


def untellable(platform: Platform) -> Any:
    """Ask about a user who cannot be told, with hooks of both policies."""

    class Broken:
        """Raises whatever it is asked."""

        def __getattribute__(self, name: str) -> Any:
            raise RuntimeError(name)

    found = []
    for policy in ("fail_open", "fail_closed"):
        with obeyed(platform.receiver, on_failure=policy):
            result = platform.run("course.enrollment.started.v1", user=Broken())
        found.append(type(result).__name__)
    return found


def trials(platform: Platform) -> Any:
    """Try a hook out at each point with its example data."""
    from tests.openedx.filters.host.hooks import Answering
    from trackside.openedx.filters.following import FOLLOWED
    from trackside.webfilters import Hook, try_out

    asker = Answering()
    hook = Hook(name="t", point="*", url=platform.receiver.url)
    return {name: try_out(hook, point, asker=asker).hooks[0].reason for name, point in FOLLOWED.items()}


def checks(platform: Platform) -> Any:
    """Return what the system checks say, also where nothing is installed that could ask."""
    from unittest import mock

    from django.core.checks import run_checks

    def said() -> list[str]:
        return sorted(
            {each.id or "" for each in run_checks(tags=["trackside"]) if "openedx" in (each.id or "")}
        )

    with mock.patch("trackside.openedx.checks.find_spec", return_value=None):
        without = said()
    return [said(), without]


ATTEMPTS = (
    other_package,
    operators_pipelines,
    profiles,
    nobody,
    opted,
    completion,
    failing_save,
    untellable,
    trials,
    checks,
)


def main() -> None:
    """Try all."""
    rows = set_up()
    with listening() as receiver:
        platform = Platform(rows, receiver)
        json.dump({each.__name__: each(platform) for each in ATTEMPTS}, sys.stdout, default=show)


if __name__ == "__main__":
    main()
