"""`users = "django"`: the accounts of this Django project, whatever its model of users is."""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from functools import cache, cached_property, partial
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import Error, connections, router, transaction
from django.db.models import CharField, IntegerField, Model
from django.db.models.signals import post_delete, post_save

from trackside.users.base import InvalidUserIdError, User, UsersUnavailable, Wanted
from trackside.users.ids import HIGHEST, LONGEST_TEXT, LOWEST, is_storable, whole_number
from trackside.users.memory import ABSENT_S, FRESH_S, MOST, Memory

_MOST_PARAMETERS = 5_000


class DjangoUsers:
    """Knows the users of Django's user model. May be made before Django stands, and makes no query by itself.

    Inactive users are users: `is_active` is not looked at. A name is that of `USERNAME_FIELD`, and is compared
    exactly, also where the database would not mind its case. What `save()` and `delete()` change is seen at
    once in this process; what other processes, `update()` and SQL change, after `fresh_s`.
    """

    def __init__(
        self,
        model: type[Model] | None = None,
        *,
        keeps_connection: bool = True,
        most: int = MOST,
        fresh_s: float = FRESH_S,
        absent_s: float = ABSENT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Without `keeps_connection` a load closes its connection: for threads that Django does not know of."""
        self._model = model
        self._keeps_connection = keeps_connection
        self._make_memory = partial(Memory, most=most, fresh_s=fresh_s, absent_s=absent_s, clock=clock)
        self._clock = clock
        if apps.models_ready:
            self.listen()

    def listen(self) -> None:
        """See from now on what is saved; where Django did not stand yet, it begins with the first question.

        Until then a change could be in an open transaction, whose commit nobody would tell of.
        """
        self._accounts  # noqa: B018  # made, and connected

    def user(self, user_id: object) -> User | None:
        """Return the user with this primary key. Raises InvalidUserIdError and NotLoadedError."""
        accounts = self._accounts
        return accounts.memory.user(accounts.key(user_id), self._clock())

    def named(self, username: str) -> User | None:
        """Return the user of exactly this name. Raises NotLoadedError."""
        accounts = self._accounts
        if len(username) > accounts.longest_name:
            return None
        return accounts.memory.named(username, self._clock())

    def load(self, wanted: Collection[Wanted]) -> None:
        """Look users up, with one query for their ids and one for their names. Raises UsersUnavailable."""
        accounts = self._accounts
        alias = router.db_for_read(accounts.model)
        connection = connections[alias]
        with accounts.memory.loading() as loading:
            asked = frozenset(accounts.keyed(wanted))
            try:
                users = list(accounts.select(alias, asked))
                # In a transaction one may see what is rolled back later, and not see what others committed.
                in_transaction = connection.in_atomic_block or not connection.autocommit
            except Error as error:
                if connection.autocommit:  # else it is in the middle of somebody's work
                    connection.close_if_unusable_or_obsolete()
                raise UsersUnavailable(f"the database {alias} tells of no users: {error}") from error
            finally:
                if not self._keeps_connection:
                    connection.close()
            accounts.memory.remember(loading, users, asked, briefly=in_transaction)

    @cached_property
    def _accounts(self) -> "_Accounts":
        accounts = _Accounts(self._model or get_user_model(), self._make_memory)
        for signal in (post_save, post_delete):
            signal.connect(accounts.forget, sender=accounts.model)  # weakly: it ends with this directory
        return accounts


class _Accounts:
    """What the model says of keys and names, and what is remembered of its users."""

    def __init__(self, model: Any, make_memory: Callable[..., Memory]) -> None:
        self.model = model
        meta = model._meta  # noqa: SLF001  # Django's way, public by its documentation
        self._key_field = _target(meta.pk)
        self._name_field = _target(meta.get_field(model.USERNAME_FIELD))
        is_text = isinstance(self._key_field, CharField)  # a UUID's field has a length that its text has not
        self._longest_key = (is_text and self._key_field.max_length) or LONGEST_TEXT
        self.longest_name = self._name_field.max_length or LONGEST_TEXT
        is_ordinary = type(self._key_field).to_python is IntegerField.to_python
        self.key: Callable[[object], int | str] = whole_number if is_ordinary else self._normalized
        """Turns a value into a key as the model has it, or raises InvalidUserIdError."""
        self.memory = make_memory(numbers=self._numbers())

    def _normalized(self, user_id: object) -> int | str:
        if user_id is None or isinstance(user_id, dict | list):  # a text's field takes them
            raise InvalidUserIdError("an id is a text or a number")
        try:
            key = self._key_field.to_python(user_id)
        except (ValidationError, ValueError, TypeError, OverflowError) as error:
            raise InvalidUserIdError(f"not a key as {self._key_field} has them") from error
        if isinstance(key, int):
            return key
        if len(text := str(key)) > self._longest_key:
            raise InvalidUserIdError(f"an id has at most {self._longest_key} characters")
        return text

    def keyed(self, wanted: Collection[Wanted]) -> Iterator[Wanted]:
        """Return `wanted` with keys as the model has them, without those that are none."""
        for each in wanted:
            if each.by == "username":
                yield each
                continue
            with suppress(InvalidUserIdError):  # whoever asks for it is told so
                yield Wanted("id", self.key(each.value))

    def select(self, alias: str, asked: Collection[Wanted]) -> Iterator[User]:
        """Return who of `asked` is in the database. Raises what that does."""
        # The default manager may leave some out.
        users = self.model._base_manager.using(alias)  # noqa: SLF001  # public by its documentation
        step = min(connections[alias].features.max_query_params or _MOST_PARAMETERS, _MOST_PARAMETERS)
        name_field = self.model.USERNAME_FIELD
        for by, column, field in (
            ("id", "pk", self._key_field),
            ("username", name_field, self._name_field),
        ):
            values = [each.value for each in asked if each.by == by and self._is_askable(each.value, field)]
            for start in range(0, len(values), step):
                chosen = users.filter(**{f"{column}__in": values[start : start + step]})
                for key, name in chosen.values_list("pk", name_field):
                    yield User(self.key(key), "" if name is None else str(name))

    def forget(self, *, instance: Any, using: str, update_fields: Any = None, **_: object) -> None:
        """Forget a user that is saved or deleted: now, and when others can see what it is from now on."""
        name_field = self.model.USERNAME_FIELD
        if instance.pk is None or (update_fields is not None and name_field not in update_fields):
            return  # a login saves only when it was
        forget = partial(self._forget, self.key(instance.pk), instance.__dict__.get(name_field))
        forget()
        if connections[using].in_atomic_block:
            transaction.on_commit(forget, using=using, robust=True)

    def _forget(self, key: int | str, name: object) -> None:
        self.memory.forget(key)
        if name is not None:
            self.memory.forget_name(str(name))

    def _is_askable(self, value: int | str, field: Any) -> bool:
        """Return whether the database takes this as a parameter; some refuse a whole query for one."""
        if isinstance(value, int):
            return self.memory.may_have(value)
        try:
            field.get_prep_value(value)
        except (ValidationError, ValueError, TypeError, OverflowError):
            return False
        return is_storable(value)

    def _numbers(self) -> tuple[int, int]:
        """Return the least and the greatest number that the column of the key holds."""
        operations: Any = connections[router.db_for_read(self.model)].ops
        try:
            least, greatest = operations.integer_field_range(self._key_field.get_internal_type())
        except KeyError:
            return LOWEST, HIGHEST
        return (LOWEST if least is None else least), (HIGHEST if greatest is None else greatest)


def _target(field: Any) -> Any:
    """Return the field that holds the values: of a key that points to another model, that model's."""
    while field.is_relation:
        field = field.target_field
    return field


@cache
def default_directory() -> DjangoUsers:
    """Return the one directory that all of this process share, in threads that Django knows of."""
    return DjangoUsers()
