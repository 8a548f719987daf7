"""Models of users other than Django's own: with keys of other kinds, and other names."""

import uuid

from django.contrib.auth.models import AbstractBaseUser
from django.db import models


class ByUuid(AbstractBaseUser):
    """Its key is a UUID, its name an address."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    email = models.EmailField(unique=True)
    USERNAME_FIELD = "email"

    class Meta:  # noqa: D106
        app_label = "trackside_test_users"


class ByText(AbstractBaseUser):
    """Its key is its name."""

    login = models.CharField(primary_key=True, max_length=30)
    USERNAME_FIELD = "login"

    class Meta:  # noqa: D106
        app_label = "trackside_test_users"


class ByNumber(AbstractBaseUser):
    """Its key has 32 bits, its name is a number that may be missing; its managers hide who is inactive."""

    id = models.AutoField(primary_key=True)
    phone = models.BigIntegerField(unique=True, null=True)
    is_active = models.BooleanField(default=True)
    USERNAME_FIELD = "phone"

    class Meta:  # noqa: D106
        app_label = "trackside_test_users"


ALL = (ByUuid, ByText, ByNumber)
