"""The tables of the webhooks and of the tokens that the API takes."""

from typing import Any

import msgspec
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Coalesce
from django.utils import timezone

from trackside.destinations.webhook import WebhookSettings
from trackside.django.secret_rows.rows import ChangedMeanwhileError, SecretRow, readable
from trackside.django.secret_rows.secrets import SETTINGS, Secrets

__all__ = ["ApiToken", "ChangedMeanwhileError", "Webhook", "readable"]

NAME_CHARS = 64
URL_CHARS = 2_048
_OF_OPERATORS = ("kind", "allow_private_networks", "allow", "proxy", "http2")
COLUMNS = tuple(
    name for name in WebhookSettings.__struct_fields__ if name not in SETTINGS and name not in _OF_OPERATORS
)
"""The settings that have a column of the same name."""
LATEST = "latest"
"""Where a new row begins, unless somebody says otherwise: whoever adds one wants what happens from now on."""


class WebhookRows(models.QuerySet["Webhook"]):
    """Webhooks that are not deleted."""

    def delete(self) -> tuple[int, dict[str, int]]:
        """Mark all of them as deleted."""
        count = 0
        for row in self:
            row.delete()
            count += 1
        return count, {"trackside.Webhook": count}


class _Present(models.Manager.from_queryset(WebhookRows)):  # type: ignore[misc]  # made when it runs
    def get_queryset(self) -> WebhookRows:
        rows: WebhookRows = super().get_queryset().filter(deleted_at=None)
        return rows


def every_event() -> list[str]:
    """Return the globs of all events."""
    return ["*"]


def too_large() -> list[int]:
    """Return the answers after which an event is a dead letter at once."""
    return [413]


class Webhook(SecretRow):
    """A webhook; its name is that of its subscription, and is never used again."""

    settings_columns = COLUMNS

    name = models.CharField(max_length=NAME_CHARS, unique=True)
    description = models.TextField(blank=True, default="")
    url = models.CharField("URL", max_length=URL_CHARS)
    enabled = models.BooleanField(default=True)
    events = models.JSONField(default=every_event, blank=True)
    start = models.CharField(max_length=16, default=LATEST)
    method = models.CharField(max_length=8, default="POST")
    format = models.CharField(max_length=32, default="json")
    where = models.JSONField(default=dict, blank=True)
    fields = models.JSONField(default=list, blank=True)
    personal_data = models.CharField(max_length=16, default="full")
    redact = models.JSONField(default=list, blank=True)
    redact_fields = models.JSONField(default=list, blank=True)
    basic_username = models.CharField(max_length=255, blank=True, default="")
    oauth_token_url = models.CharField(max_length=URL_CHARS, blank=True, default="")
    oauth_client_id = models.CharField(max_length=255, blank=True, default="")
    oauth_scope = models.CharField(max_length=1_000, blank=True, default="")
    timeout_s = models.FloatField(default=15.0)
    concurrency = models.IntegerField(default=8)
    rate_per_s = models.FloatField(default=0.0)
    ordering = models.CharField(max_length=16, default="none")
    max_attempts = models.IntegerField(default=20)
    min_backoff_s = models.FloatField(default=5.0)
    max_backoff_s = models.FloatField(default=3_600.0)
    retry_schedule_s = models.JSONField(default=list, blank=True)
    refuse_statuses = models.JSONField(default=too_large, blank=True)
    longest_retry_after_s = models.FloatField(default=3_600.0)
    failures_until_probing = models.IntegerField(default=10)
    disable_after_s = models.FloatField(default=432_000.0)
    tls_ca_file = models.CharField(max_length=255, blank=True, default="")
    tls_certificate_file = models.CharField(max_length=255, blank=True, default="")
    tls_key_file = models.CharField(max_length=255, blank=True, default="")
    disabled_at = models.DateTimeField(null=True, blank=True, editable=False)
    """When the delivery engine gave the endpoint up, and with that disabled it."""
    disabled_reason = models.TextField(blank=True, default="", editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = _Present()
    all_rows = models.Manager["Webhook"]()
    """The deleted ones too."""

    class Meta:  # noqa: D106  # Django's own word
        app_label = "trackside"
        db_table = "trackside_webhook"
        ordering = ("name",)
        verbose_name = "webhook"
        base_manager_name = "all_rows"

    @property
    def is_active(self) -> bool:
        """Whether events are sent to it; without secrets that can be read none are."""
        return self.enabled and self.deleted_at is None and readable(self) is not None

    def switch_on(self) -> None:
        """Enable it, whoever disabled it and why; it is not saved."""
        self.enabled, self.disabled_at, self.disabled_reason = True, None, ""

    def clean(self) -> None:
        """Raise ValidationError for all that the configuration file's reader would not take, by field."""
        from trackside.django.webhooks.content import problems_of

        if problems := problems_of(self):
            raise ValidationError(
                {name if name in (*COLUMNS, "name") else "__all__": told for name, told in problems.items()}
            )

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:  # noqa: ARG002
        """Mark it as deleted and forget its secrets; its name stays taken."""
        self.deleted_at = timezone.now()
        self.secrets = Secrets()
        self.save()
        return 1, {"trackside.Webhook": 1}


State = tuple[int, int]


def state_of_all(using: str | None = None) -> State:
    """Return two numbers that differ after every change of any row, by one small query."""
    rows = Webhook.all_rows.using(using) if using else Webhook.all_rows.all()
    found = rows.aggregate(count=models.Count("pk"), changes=Coalesce(models.Sum("revision"), 0))
    return int(found["count"]), int(found["changes"])


class ApiToken(models.Model):
    """A token that the API takes; only its digest is kept."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=NAME_CHARS, unique=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    user_key = models.CharField(max_length=255, editable=False)
    """The primary key of the user whose permissions count, as text: users may live in another database."""
    created_at = models.DateTimeField(editable=False)
    created_by = models.CharField(max_length=255, blank=True, default="", editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:  # noqa: D106  # Django's own word
        app_label = "trackside"
        db_table = "trackside_api_token"
        ordering = ("name",)
        verbose_name = "API token"

    def __str__(self) -> str:
        """Return its name."""
        return self.name


def builtins(settings: WebhookSettings) -> dict[str, Any]:
    """Return settings as columns have them: lists in place of tuples."""
    made: dict[str, Any] = msgspec.to_builtins(settings)
    return made
