"""Whether a failure of a hook halts the platform's action: the table of its settings."""

from typing import Any, assert_never

import msgspec

from trackside.webfilters.hook import Hook
from trackside.webfilters.points import RedirectUrl, Stops
from trackside.webfilters.prepared import Prepared
from trackside.webfilters.replies import Failure, Stop


def halt_of(prepared: Prepared, failure: Failure) -> Stop | None:
    """Return what is raised; None where the platform goes on. Never raises.

    A "halt on …" comes first, then the exception that the body of an error asked for, then fail_closed.
    """
    switched, redirect = _switch(prepared.hook, failure)
    if not switched and failure.stop is not None:
        return failure.stop
    if not switched and prepared.hook.on_failure == "fail_open":
        return None
    return _made(prepared, failure, redirect)


def _switch(hook: Hook, failure: Failure) -> tuple[bool, str]:
    match failure.kind:
        case "4xx":
            return hook.halt_on_4xx, hook.redirect_on_4xx
        case "5xx":
            return hook.halt_on_5xx, hook.redirect_on_5xx
        case "request_exception":
            return hook.halt_on_request_exception, hook.redirect_on_request_exception
        case "unusable":
            return False, ""
        case never:
            assert_never(never)


def _made(prepared: Prepared, failure: Failure, redirect: str) -> Stop | None:
    """Return the point's first exception that can be made, with nothing of the receiver's in it but its status."""
    for name, stops in prepared.point.exceptions.items():
        for given in (_fields(prepared, failure, redirect, stops), {}):
            try:
                return Stop(name=name, error=stops.make(given))
            except Exception:  # noqa: BLE001, S112  # the border: a class that takes not even this takes less, or none
                continue
    return None


def _fields(prepared: Prepared, failure: Failure, redirect: str, stops: Stops) -> dict[str, Any]:
    fields: dict[str, Any] = {"message": prepared.hook.message} if prepared.hook.message else {}
    if redirect and stops.redirects and _is_good(redirect):
        fields["redirect_to"] = redirect
    if failure.status is not None and "status_code" in stops.fields:
        fields["status_code"] = failure.status
    return fields


def _is_good(url: str) -> bool:
    try:
        msgspec.convert(url, RedirectUrl)
    except msgspec.ValidationError:
        return False
    return True
