"""A model without a table: what the admin's page and the permission to see it hang on."""

from django.db import models


class TrackerState(models.Model):
    """The state of the tracker; there are no rows of it."""

    class Meta:  # noqa: D106  # Django's own word
        app_label = "trackside"
        managed = False
        default_permissions = ("view",)
        verbose_name = "tracker"
        verbose_name_plural = "tracker"
