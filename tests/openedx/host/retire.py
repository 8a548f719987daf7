"""Retires a user as the platform does, with its signals, another one in vain, and prints what is left of the audit."""

import contextlib
import json
import logging
import sys
from types import ModuleType

from django.dispatch import Signal

import django

MODULE = "openedx.core.djangoapps.user_api.accounts.signals"


def main() -> None:
    """Retire."""
    signals = ModuleType(MODULE)
    misc, critical = Signal(), Signal()
    vars(signals).update(USER_RETIRE_LMS_MISC=misc, USER_RETIRE_LMS_CRITICAL=critical)
    parts = MODULE.split(".")
    for depth in range(1, len(parts)):
        sys.modules[".".join(parts[:depth])] = ModuleType(".".join(parts[:depth]))
    sys.modules[MODULE] = signals
    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import transaction
    from django.utils import timezone

    from trackside.django.webfilters.models import WebfilterQuestion
    from trackside.openedx.tracker import signal_tracker

    logging.disable(logging.INFO)
    call_command("migrate", verbosity=0)
    user, other = (User.objects.create_user(name) for name in ("honor", "verified"))
    now = timezone.now()
    for actor in ("honor", "verified"):
        WebfilterQuestion.objects.create(
            question_id="q", point="p", asked_at=now, actor=actor, input_hash="", duration_s=0, budget_s=1
        )
    with contextlib.suppress(KeyError), transaction.atomic():
        misc.send(sender=None, user=other)
        raise KeyError
    with transaction.atomic():
        misc.send(sender=None, user=user)
    critical.send(sender=None, user=user, retired_username="retired__1")
    call_command("trackside", "relay")
    tracker = signal_tracker()
    assert tracker is not None
    for backend in tracker.backends.values():
        assert backend.flush(20)  # type: ignore[attr-defined]  # they keep a log
    print(json.dumps([user.pk, list(WebfilterQuestion.objects.values_list("actor", flat=True))]))


if __name__ == "__main__":
    main()
