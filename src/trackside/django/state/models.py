"""A model without a table: what the admin's page and the permission to see it hang on."""

from django.db import models


class NoRows(models.Manager["TrackerState"]):
    """Finds none, and asks no database: `dumpdata` looks for rows of every model."""

    def get_queryset(self) -> models.QuerySet["TrackerState"]:
        """Return none."""
        return super().get_queryset().none()


class TrackerState(models.Model):
    """The state of the tracker; there are no rows of it."""

    objects = NoRows()

    class Meta:  # noqa: D106  # Django's own word
        app_label = "trackside"
        managed = False
        base_manager_name = "objects"
        default_permissions = ("view",)
        verbose_name = "tracker"
        verbose_name_plural = "tracker"
