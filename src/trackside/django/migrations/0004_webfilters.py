"""The tables of webfilters and of the questions that they were asked."""

from django.db import migrations, models

import trackside.django.secret_rows.encryption
import trackside.django.secret_rows.secrets
import trackside.django.webfilters.models


class Migration(migrations.Migration):
    """Two tables."""

    dependencies = [
        ("trackside", "0003_webhooks"),
    ]

    operations = [
        migrations.CreateModel(
            name="Webfilter",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "secrets",
                    trackside.django.secret_rows.encryption.SecretsField(
                        blank=True, default=trackside.django.secret_rows.secrets.Secrets, editable=False
                    ),
                ),
                ("created_at", models.DateTimeField(editable=False)),
                ("created_by", models.CharField(blank=True, default="", editable=False, max_length=255)),
                ("updated_at", models.DateTimeField(editable=False)),
                ("updated_by", models.CharField(blank=True, default="", editable=False, max_length=255)),
                ("revision", models.BigIntegerField(default=0, editable=False)),
                ("name", models.CharField(max_length=64, unique=True)),
                ("description", models.TextField(blank=True, default="")),
                ("point", models.CharField(max_length=255)),
                ("url", models.CharField(max_length=2048, verbose_name="URL")),
                ("enabled", models.BooleanField(default=True)),
                ("mode", models.CharField(default="enforce", max_length=16)),
                ("kind", models.CharField(default="changer", max_length=16)),
                ("order", models.IntegerField(default=0)),
                ("timeout_s", models.FloatField(default=0.5)),
                ("on_failure", models.CharField(default="fail_open", max_length=16)),
                ("disable_filtering", models.BooleanField(default=False)),
                ("disable_halting", models.BooleanField(default=False)),
                ("halt_on_4xx", models.BooleanField(default=False)),
                ("redirect_on_4xx", models.CharField(blank=True, default="", max_length=2048)),
                ("halt_on_5xx", models.BooleanField(default=False)),
                ("redirect_on_5xx", models.CharField(blank=True, default="", max_length=2048)),
                ("halt_on_request_exception", models.BooleanField(default=False)),
                ("redirect_on_request_exception", models.CharField(blank=True, default="", max_length=2048)),
                ("message", models.TextField(blank=True, default="")),
                ("form_encoding", models.BooleanField(default=False)),
                ("sample_share", models.FloatField(default=1.0)),
                ("where", models.JSONField(blank=True, default=dict)),
                ("fields", models.JSONField(blank=True, default=list)),
                ("may_change", models.JSONField(blank=True, default=list)),
                (
                    "redact_fields",
                    models.JSONField(blank=True, default=trackside.django.webfilters.models.secret_keys),
                ),
                ("redact", models.JSONField(blank=True, default=list)),
                ("basic_username", models.CharField(blank=True, default="", max_length=255)),
                ("oauth_token_url", models.CharField(blank=True, default="", max_length=2048)),
                ("oauth_client_id", models.CharField(blank=True, default="", max_length=255)),
                ("oauth_scope", models.CharField(blank=True, default="", max_length=1000)),
                ("signed_replies", models.BooleanField(default=False)),
                ("cache_s", models.FloatField(default=0.0)),
                ("failure_cache_s", models.FloatField(default=2.0)),
            ],
            options={
                "verbose_name": "webfilter",
                "db_table": "trackside_webfilter",
                "ordering": ("order", "name"),
            },
        ),
        migrations.CreateModel(
            name="WebfilterQuestion",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("question_id", models.CharField(db_index=True, max_length=64)),
                ("point", models.CharField(db_index=True, max_length=255)),
                ("asked_at", models.DateTimeField(db_index=True)),
                ("actor", models.CharField(blank=True, default="", max_length=255)),
                ("decision", models.CharField(max_length=16)),
                ("would_be", models.CharField(max_length=16)),
                ("has_shadow", models.BooleanField(default=False)),
                ("fail_open", models.BooleanField(default=False)),
                ("in_transaction", models.BooleanField(default=False)),
                ("exception", models.CharField(blank=True, default="", max_length=255)),
                ("halted_by", models.CharField(blank=True, default="", max_length=255)),
                ("hook_names", models.TextField(blank=True, default="")),
                ("hooks", models.JSONField(default=list)),
                ("patch", models.JSONField(default=list)),
                ("conflicts", models.JSONField(default=list)),
                ("input_hash", models.CharField(db_index=True, max_length=64)),
                ("duration_s", models.FloatField()),
                ("budget_s", models.FloatField()),
            ],
            options={
                "verbose_name": "webfilter question",
                "db_table": "trackside_webfilter_question",
                "ordering": ("-id",),
            },
        ),
    ]
