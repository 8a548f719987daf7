"""The columns that every row with secrets has, and a save that writes over nobody's work."""

from typing import Any, ClassVar

from django.db import models
from django.db.models.signals import post_save
from django.utils import timezone

from trackside.django.secret_rows.encryption import SecretsField
from trackside.django.secret_rows.secrets import Secrets, Unreadable
from trackside.errors import TracksideError


class ChangedMeanwhileError(TracksideError):
    """Somebody else changed the row meanwhile; look at it again."""


class SecretRow(models.Model):
    """A row of settings, some of which nobody is shown."""

    settings_columns: ClassVar[tuple[str, ...]]
    """The settings that have a column of the same name."""

    id = models.BigAutoField(primary_key=True)
    name: str
    url: str
    secrets = SecretsField(default=Secrets, blank=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    created_by = models.CharField(max_length=255, blank=True, default="", editable=False)
    """A user's name, or what else made it: it outlives the user."""
    updated_at = models.DateTimeField(editable=False)
    updated_by = models.CharField(max_length=255, blank=True, default="", editable=False)
    revision = models.BigIntegerField(default=0, editable=False)
    """Grows with each change, by one: whoever holds an older one would write over somebody else's work."""

    class Meta:  # noqa: D106  # Django's own word
        abstract = True

    def __str__(self) -> str:
        """Return its name."""
        return self.name

    def table(self) -> dict[str, Any]:
        """Return its settings without secrets, as a table of a configuration has them."""
        return {name: getattr(self, name) for name in self.settings_columns}

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the row where nobody else has changed it since it was read. Raises ChangedMeanwhileError."""
        self.updated_at = timezone.now()
        if self._state.adding:
            self.created_at = self.updated_at
            super().save(*args, **kwargs)
            return
        expected, self.revision = self.revision, self.revision + 1
        columns = [each for each in self._meta.concrete_fields if not each.primary_key]
        values = {each.attname: getattr(self, each.attname) for each in columns}
        rows = type(self)._base_manager.using(kwargs.get("using") or self._state.db)  # noqa: SLF001  # Django's own word
        if not rows.filter(pk=self.pk, revision=expected).update(**values):
            self.revision = expected
            raise ChangedMeanwhileError(f"somebody else changed {self.name} meanwhile; look at it again")
        # an UPDATE sends no signal of its own
        post_save.send(type(self), instance=self, created=False, raw=False, using=rows.db, update_fields=None)


def readable(row: SecretRow) -> Secrets | None:
    """Return the secrets of a row, None where they cannot be read."""
    found: Secrets | Unreadable = row.secrets
    return None if isinstance(found, Unreadable) else found
