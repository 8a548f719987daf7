"""The tables of the webfilters and of the questions that were asked."""

from typing import Any

import msgspec
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Coalesce

from trackside.django.secret_rows.rows import SecretRow
from trackside.django.secret_rows.secrets import SETTINGS
from trackside.processors.redaction import SECRET_KEYS
from trackside.webfilters import Hook

NAME_CHARS = 64
POINT_CHARS = 255
URL_CHARS = 2_048
COLUMNS = tuple(name for name in Hook.__struct_fields__ if name not in SETTINGS and name != "name")
"""The settings of a hook that have a column of the same name."""


def secret_keys() -> list[str]:
    """Return the names of fields whose values nobody is sent."""
    return list(SECRET_KEYS)


class Webfilter(SecretRow):
    """Who is asked at a filter point, and what happens with the answer."""

    settings_columns = COLUMNS

    name = models.CharField(max_length=NAME_CHARS, unique=True)
    description = models.TextField(blank=True, default="")
    point = models.CharField(max_length=POINT_CHARS)
    url = models.CharField("URL", max_length=URL_CHARS)
    enabled = models.BooleanField(default=True)
    mode = models.CharField(max_length=16, default="enforce")
    kind = models.CharField(max_length=16, default="changer")
    order = models.IntegerField(default=0)
    timeout_s = models.FloatField(default=0.5)
    on_failure = models.CharField(max_length=16, default="fail_open")
    disable_filtering = models.BooleanField(default=False)
    disable_halting = models.BooleanField(default=False)
    halt_on_4xx = models.BooleanField(default=False)
    redirect_on_4xx = models.CharField(max_length=URL_CHARS, blank=True, default="")
    halt_on_5xx = models.BooleanField(default=False)
    redirect_on_5xx = models.CharField(max_length=URL_CHARS, blank=True, default="")
    halt_on_request_exception = models.BooleanField(default=False)
    redirect_on_request_exception = models.CharField(max_length=URL_CHARS, blank=True, default="")
    message = models.TextField(blank=True, default="")
    form_encoding = models.BooleanField(default=False)
    layout = models.CharField(max_length=16, default="plain")
    event_type = models.CharField(max_length=POINT_CHARS, blank=True, default="")
    sample_share = models.FloatField(default=1.0)
    where = models.JSONField(default=dict, blank=True)
    fields = models.JSONField(default=list, blank=True)
    may_change = models.JSONField(default=list, blank=True)
    redact_fields = models.JSONField(default=secret_keys, blank=True)
    redact = models.JSONField(default=list, blank=True)
    basic_username = models.CharField(max_length=255, blank=True, default="")
    oauth_token_url = models.CharField(max_length=URL_CHARS, blank=True, default="")
    oauth_client_id = models.CharField(max_length=255, blank=True, default="")
    oauth_scope = models.CharField(max_length=1_000, blank=True, default="")
    tls_ca_file = models.CharField(max_length=255, blank=True, default="")
    tls_certificate_file = models.CharField(max_length=255, blank=True, default="")
    tls_key_file = models.CharField(max_length=255, blank=True, default="")
    signed_replies = models.BooleanField(default=False)
    cache_s = models.FloatField(default=0.0)
    failure_cache_s = models.FloatField(default=2.0)

    class Meta:  # noqa: D106  # Django's own word
        app_label = "trackside"
        db_table = "trackside_webfilter"
        ordering = ("order", "name")
        verbose_name = "webfilter"

    def clean(self) -> None:
        """Raise ValidationError for all that a hook of the settings would not be taken with, by field."""
        from trackside.django.webfilters.content import problems_of

        if problems := problems_of(self):
            raise ValidationError(
                {name if name in (*COLUMNS, "name") else "__all__": told for name, told in problems.items()}
            )


State = tuple[int, int, int]


def state_of_all() -> State:
    """Return numbers that differ after every change of any row, by one small query.

    How many there are falls with each that is deleted, the highest key grows with each that is made, and the sum of
    the revisions with each that is changed.
    """
    found = Webfilter.objects.aggregate(
        count=models.Count("pk"),
        changes=Coalesce(models.Sum("revision"), 0),
        newest=Coalesce(models.Max("pk"), 0),
    )
    return int(found["count"]), int(found["changes"]), int(found["newest"])


class WebfilterQuestion(models.Model):
    """One question that was asked, and what came of it."""

    id = models.BigAutoField(primary_key=True)
    question_id = models.CharField(max_length=64, db_index=True)
    """What receivers were sent as `event_metadata.id` and `webhook-id`."""
    point = models.CharField(max_length=POINT_CHARS, db_index=True)
    asked_at = models.DateTimeField(db_index=True)
    actor = models.CharField(max_length=255, blank=True, default="")
    """Whose request asked: the user's name, or else the key; empty where nobody is known."""
    decision = models.CharField(max_length=16)
    would_be = models.CharField(max_length=16)
    """The decision if the hooks in shadow had been obeyed too."""
    has_shadow = models.BooleanField(default=False)
    fail_open = models.BooleanField(default=False)
    in_transaction = models.BooleanField(default=False)
    exception = models.CharField(max_length=255, blank=True, default="")
    halted_by = models.CharField(max_length=255, blank=True, default="")
    hook_names = models.TextField(blank=True, default="")
    """The names of the hooks, each with a comma before and after it."""
    hooks = models.JSONField(default=list)
    patch = models.JSONField(default=list)
    conflicts = models.JSONField(default=list)
    input_hash = models.CharField(max_length=64, db_index=True)
    duration_s = models.FloatField()
    budget_s = models.FloatField()

    class Meta:  # noqa: D106  # Django's own word
        app_label = "trackside"
        db_table = "trackside_webfilter_question"
        ordering = ("-id",)
        verbose_name = "webfilter question"

    def __str__(self) -> str:
        """Return what was asked and what came of it."""
        return f"{self.point}: {self.decision}"


def builtins(hook: Hook) -> dict[str, Any]:
    """Return settings as columns have them: lists in place of tuples."""
    made: dict[str, Any] = msgspec.to_builtins(hook)
    return made
