"""Rows of the database: users with their profiles, enrolments, cohorts, templates of certificates.

Only named fields leave, and fewer may be changed. Values are checked by the field of the model.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist, ValidationError
from django.db import models, router, transaction

from trackside.openedx.filters.parts.base import Arguments, Call, Part
from trackside.openedx.filters.values import text
from trackside.telemetry import catalogue
from trackside.webfilters.points import Unfit

logger = logging.getLogger("trackside.openedx")

USER_SENT: Final = (
    "id",
    "username",
    "first_name",
    "last_name",
    "email",
    "is_active",
    "is_staff",
    "is_superuser",
    "date_joined",
    "last_login",
)
USER_CHANGED: Final[Mapping[str, Any]] = {"first_name": str, "last_name": str}
PROFILE_SENT: Final = (
    "id",
    "user_id",
    "name",
    "language",
    "location",
    "year_of_birth",
    "gender",
    "level_of_education",
    "mailing_address",
    "city",
    "country",
    "state",
    "goals",
    "bio",
    "phone_number",
    "profile_image_uploaded_at",
)
PROFILE_CHANGED: Final[Mapping[str, Any]] = {
    "name": str,
    "language": str,
    "location": str,
    "year_of_birth": int | None,
    "gender": str | None,
    "level_of_education": str | None,
    "mailing_address": str | None,
    "city": str | None,
    "country": str | None,
    "state": str | None,
    "goals": str | None,
    "bio": str | None,
}
Fields = dict[str, Any]


def fields_of(row: Any, names: Iterable[str]) -> Fields | None:
    """Return those fields of a row that it has; None where there is no row. Asks the database for nothing."""
    if row is None:
        return None
    deferred = row.get_deferred_fields() if hasattr(row, "get_deferred_fields") else ()
    return {name: getattr(row, name, None) for name in names if name not in deferred and _has(row, name)}


def related(row: Any, name: str) -> Any:
    """Return the row that another one leads to, by one query at most; None where there is none."""
    try:
        return getattr(row, name, None)
    except (ObjectDoesNotExist, AttributeError):
        return None


def cleaned(row: Any, values: Mapping[str, Any], where: str, call: Call) -> Fields:
    """Return values that the fields of a row's model take. Raises Unfit."""
    if not isinstance(getattr(row, "_meta", None), models.options.Options):
        raise Unfit(f"{where} is no row whose fields could be changed")
    made = {}
    for name, value in values.items():
        try:
            field = row._meta.get_field(name)  # noqa: SLF001  # Django's public name for it
        except FieldDoesNotExist:
            raise Unfit(f"{where}.{name} is no field here") from None
        made[name] = _cleaned(row, field, value, (where, name), call)
    return made


def set_on(row: Any, values: Mapping[str, Any], *, saves: bool) -> Callable[[], None]:
    """Return what sets the values, and saves them where the row is one of the database."""

    def make() -> None:
        before = {name: getattr(row, name) for name in values}
        for name, value in values.items():
            setattr(row, name, value)
        if not saves or row.pk is None:
            return
        try:
            # a savepoint: one that fails must not take the transaction of the platform with it
            with transaction.atomic(using=router.db_for_write(row.__class__, instance=row)):
                row.save(update_fields=list(values))
        except Exception as error:  # noqa: BLE001  # the border: the platform goes on with the row as it was
            for name, value in before.items():
                setattr(row, name, value)
            catalogue.FILTERS_FAILED.add(1, "save")
            logger.error("Changes of an answer could not be saved", extra={"error": type(error).__name__})

    return make


class Row(Part):
    """A row, whose fields are set and not saved."""

    def __init__(
        self, name: str, *, sent: Iterable[str], changed: Iterable[str] = (), course_key: str = ""
    ) -> None:
        """`changed` are fields that hold texts; `course_key` the one that is sent as that besides."""
        self._sent = tuple(sent)
        self._course_key = course_key
        sends = {name: Fields | None} | ({"course_key": str | None} if course_key else {})
        super().__init__(name, sends=sends, changes={f"{name}.{each}": str for each in changed})

    def told(self, call: Call) -> Fields:
        """Return its named fields."""
        row = call.arguments[self.name]
        fields: Fields = {self.name: fields_of(row, self._sent)}
        return fields | ({"course_key": getattr(row, self._course_key, None)} if self._course_key else {})

    def change(self, changes: Mapping[str, Any], call: Call) -> None:
        """Set them in the object."""
        if values := changes.get(self.name):
            row = call.arguments[self.name]
            call.deeds.append(set_on(row, cleaned(row, values, self.name, call), saves=False))


class User(Part):
    """A user and their profile, wherever they are in the arguments; what is changed of them is saved."""

    def __init__(
        self,
        argument: str = "user",
        *path: str,
        user: str = "user",
        profile: str = "profile",
        changed: bool = True,
    ) -> None:
        """`path` leads from the argument to the user; `user` and `profile` are the names that are sent."""
        self._path = path
        self._user, self._profile = user, profile
        changes = {f"{user}.{each}": kind for each, kind in USER_CHANGED.items()}
        changes |= {f"{profile}.{each}": kind for each, kind in PROFILE_CHANGED.items()}
        super().__init__(
            argument,
            sends={user: Fields | None, profile: Fields | None},
            changes=changes if changed else {},
            optional={f"{user}.email": str, f"{profile}.phone_number": str | None} if changed else {},
        )

    def told(self, call: Call) -> Fields:
        """Return named fields of both; null where there is no user, or no profile."""
        user = self._found(call.arguments)
        return {
            self._user: fields_of(user, USER_SENT),
            self._profile: fields_of(related(user, "profile"), PROFILE_SENT),
        }

    def change(self, changes: Mapping[str, Any], call: Call) -> None:
        """Set the fields of both, and save them."""
        for name in (self._user, self._profile):
            values = changes.get(name)
            if not values or not self.changes:  # another part's field may have the same name
                continue
            row = self._found(call.arguments)
            if name == self._profile:
                row = related(row, "profile")
            if row is None:
                raise Unfit(f"there is no {name}")
            call.deeds.append(set_on(row, cleaned(row, values, name, call), saves=True))

    def _found(self, arguments: Arguments) -> Any:
        found = arguments[self.name]
        for name in self._path:
            found = related(found, name)
        return found


def _has(row: Any, name: str) -> bool:
    # the class, not the object: asking that for a relation would ask the database
    return hasattr(row.__class__, name) or name in getattr(row, "__dict__", {})


def _cleaned(row: Any, field: Any, value: Any, where: tuple[str, str], call: Call) -> Any:
    shown = ".".join(where)
    if field.is_relation or field.primary_key:
        raise Unfit(f"{shown} may not be changed")
    if isinstance(field, models.BooleanField) and not isinstance(value, bool):
        raise Unfit(f"{shown} has to be true or false")
    if isinstance(field, models.CharField | models.TextField) and value is not None:
        value = text(value, where, call.rules)
    elif not isinstance(value, str | int | float | None):
        raise Unfit(f"{shown} has to be a plain value")
    try:
        return field.clean(value, row)
    except (ValidationError, TypeError, ValueError, OverflowError):
        raise Unfit(f"{shown} cannot have that value") from None
