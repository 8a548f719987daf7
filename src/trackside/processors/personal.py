"""What identifies a person in the data of signals, and in the context of a request.

Source: the data classes of openedx-events 10.5.0 and 11.2.0, April 2026. Fields of classes that come later are judged
by their names alone.
"""

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, Literal

Mode = Literal["full", "ids_only", "none"]


class Treatment(Enum):
    """What becomes of a value."""

    KEEP = "keep"
    HIDE = "hide"
    """It becomes null."""
    JSON = "json"
    """It is JSON as text: what it holds is treated in the same way, and it becomes text again."""
    CONTEXT = "context"
    """It is the JSON of a request's context, as text."""


_NAMES = re.compile(
    r"pii|.*(username|mail|emailaddress|fullname|firstname|lastname|realname|givenname|familyname|authorname"
    r"|repliername|phone|phonenumber|ipaddress|mailingaddress|dateofbirth)(e?s)?|lisperson.*"
    r"|(client|remote|source|user)?ip|session|remoteaddr|referer|xforwardedfor|identifiers|.*studentidentifier"
)
"""Names of fields, small and without _ and -, whose values identify somebody."""
_IDS = re.compile(r".*(userid|studentid|actorid|learnerid|anonymousid|previousid)s?|lisresultsourcedid")
_OF_CLASSES: Mapping[str, Mapping[str, Treatment]] = {
    "CertificateData": {"name": Treatment.HIDE},
    "RoleAssignmentData": {"subject": Treatment.HIDE},
    "SignatoryData": {"name": Treatment.HIDE, "image": Treatment.HIDE},
    "TrackingLogData": {"data": Treatment.JSON, "context": Treatment.CONTEXT},
    "UserPersonalData": {"name": Treatment.HIDE},
    "VerificationAttemptData": {"name": Treatment.HIDE},
}
"""Class of openedx-events → field → what becomes of it where not everything may be said."""
_IDS_OF_CLASSES = {"UserData": "id"}
_KEPT_OF_CONTEXT = ("course_id", "org_id", "enterprise_uuid", "host", "event_source")

_OF_SETTINGS = frozenset({"setting", "old", "new"})
"""What `edx.user.settings.changed` has of a field of a user. Source: openedx-platform, April 2026."""


def treatment(mode: Mode, name: str, kind: str = "") -> Treatment:
    """Return what becomes of a field of this name, in an object of the class called `kind`."""
    if mode == "full":
        return Treatment.KEEP
    known = _OF_CLASSES.get(kind, {}).get(name)
    if known is not None:
        return known
    small = name.replace("_", "").replace("-", "").lower()
    if _NAMES.fullmatch(small):
        return Treatment.HIDE
    if mode == "none" and (_IDS_OF_CLASSES.get(kind) == name or _IDS.fullmatch(small)):
        return Treatment.HIDE
    return Treatment.KEEP


def context_shown(mode: Mode, context: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may be said of a request. What nobody knows the meaning of is left out, unless all may be said."""
    if mode == "full":
        return dict(context)
    kept = _KEPT_OF_CONTEXT if mode == "none" else (*_KEPT_OF_CONTEXT, "user_id")
    return {name: context[name] for name in kept if name in context}


def without_values(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an object that tells of a changed setting without both values: of which field they are, its names hide."""
    return {**value, "old": None, "new": None} if value.keys() >= _OF_SETTINGS else value
