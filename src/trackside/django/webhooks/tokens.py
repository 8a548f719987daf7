"""Tokens that the API takes in place of a login; the database keeps only their digests."""

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.contrib.auth import get_user_model
from django.db import IntegrityError, router, transaction
from django.utils import timezone
from msgspec import Struct

from trackside.django.webhooks.content import NAME
from trackside.django.webhooks.models import ApiToken
from trackside.django.webhooks.refusals import NotTheCase, WrongSettings

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

_PREFIX: Final = "tsk_"
_TOKEN: Final = re.compile(r"tsk_[A-Za-z0-9_-]{43}")
_NOTED_EVERY: Final = timedelta(minutes=1)
"""The last use is written down at most so often: a request must not cost a write."""


class ListedToken(Struct, frozen=True, kw_only=True):
    """A token as people see it."""

    name: str
    user: str
    """Whose permissions count; "" where the user is gone."""
    created_at: datetime
    created_by: str
    last_used_at: datetime | None


def create(name: str, *, username: str, by: str) -> tuple[ApiToken, str]:
    """Return a new token's row and the token itself, which nobody sees again. Raises WrongSettings, NotTheCase."""
    if not NAME.fullmatch(name):
        raise WrongSettings({"name": ["name is no good name; want up to 64 letters, digits, _ and -"]})
    user = user_named(username)
    if user is None:
        raise WrongSettings({"user": [f"user is {username!r}, and there is no such user"]})
    token = _PREFIX + secrets.token_urlsafe(32)
    row = ApiToken(
        name=name, digest=_digest(token), user_key=str(user.pk), created_at=timezone.now(), created_by=by
    )
    try:
        with transaction.atomic(using=router.db_for_write(ApiToken)):
            row.save(force_insert=True)
    except IntegrityError as error:
        raise NotTheCase(
            f"there is a token {name} already; choose another name, or revoke that one"
        ) from error
    return row, token


def revoke(name: str) -> bool:
    """Let a token be good for nothing from now on; return whether there was one."""
    return bool(ApiToken.objects.filter(name=name).delete()[0])


def user_of(token: str) -> "AbstractBaseUser | None":
    """Return the user a token stands for, or None where it stands for nobody, or one who may not log in."""
    if not _TOKEN.fullmatch(token):
        return None
    # by the digest: what a comparison of digests tells by its time leads to no token
    row = ApiToken.objects.filter(digest=_digest(token)).first()
    if row is None:
        return None
    users = get_user_model()
    user = users._default_manager.filter(pk=row.user_key).first()  # noqa: SLF001  # Django's own word
    if user is None or not user.is_active:
        return None
    _note_use(row)
    return user


def user_named(username: str) -> "AbstractBaseUser | None":
    """Return the user of exactly this name, or None."""
    users = get_user_model()
    return users._default_manager.filter(**{users.USERNAME_FIELD: username}).first()  # noqa: SLF001  # Django's own word


def username_of(row: ApiToken) -> str:
    """Return the name of the user a token stands for, or "" where there is none any more."""
    users = get_user_model()
    user = users._default_manager.filter(pk=row.user_key).first()  # noqa: SLF001  # Django's own word
    return "" if user is None else user.get_username()


def _note_use(row: ApiToken) -> None:
    now = timezone.now()
    if row.last_used_at is None or now - row.last_used_at >= _NOTED_EVERY:
        ApiToken.objects.filter(pk=row.pk).update(last_used_at=now)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def listed() -> list[ListedToken]:
    """Return the tokens there are, by name."""
    return [
        ListedToken(
            name=row.name,
            user=username_of(row),
            created_at=_aware(row.created_at),
            created_by=row.created_by,
            last_used_at=_aware(row.last_used_at) if row.last_used_at else None,
        )
        for row in ApiToken.objects.all()
    ]


def _aware(moment: datetime) -> datetime:
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
