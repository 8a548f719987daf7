"""The platform retires a user: so do we."""

import logging
from importlib import import_module
from typing import Any, Final

from trackside.django.retirement import retire_user
from trackside.openedx.tracker import signal_tracker

logger = logging.getLogger("trackside.openedx")

MODULE: Final = "openedx.core.djangoapps.user_api.accounts.signals"
SIGNALS: Final = ("USER_RETIRE_LMS_MISC", "USER_RETIRE_LMS_CRITICAL")
"""Both, as an operator's pipeline may leave one out; the second changes nothing more, and its event is the same."""
_UID: Final = "trackside.openedx.retirement"


def follow_retirement() -> int:
    """Retire whom the platform retires, and return how many of its signals there are; 0 elsewhere."""
    try:
        signals = import_module(MODULE)
    except ImportError:
        return 0
    found = [getattr(signals, name) for name in SIGNALS if hasattr(signals, name)]
    for signal in found:
        signal.connect(receive_retirement, dispatch_uid=_UID, weak=False)
    return len(found)


def receive_retirement(user: Any = None, **_: Any) -> None:
    """Take a retirement. Raises what the database raises: the platform's pipeline then stops and is run again."""
    if user is None or getattr(user, "pk", None) is None:
        logger.error("A retirement names no user")
        return
    retire_user(user.pk, user.get_username(), tracker=signal_tracker())
