"""The tables of webhooks and of the API's tokens."""

import django.db.models.manager
from django.db import migrations, models

import trackside.django.secret_rows.encryption
import trackside.django.secret_rows.secrets
import trackside.django.webhooks.models


class Migration(migrations.Migration):
    """Two tables."""

    dependencies = [
        ("trackside", "0002_trackerstate"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=64, unique=True)),
                ("digest", models.CharField(editable=False, max_length=64, unique=True)),
                ("user_key", models.CharField(editable=False, max_length=255)),
                ("created_at", models.DateTimeField(editable=False)),
                ("created_by", models.CharField(blank=True, default="", editable=False, max_length=255)),
                ("last_used_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                "verbose_name": "API token",
                "db_table": "trackside_api_token",
                "ordering": ("name",),
            },
        ),
        migrations.CreateModel(
            name="Webhook",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=64, unique=True)),
                ("description", models.TextField(blank=True, default="")),
                ("url", models.CharField(max_length=2048, verbose_name="URL")),
                ("enabled", models.BooleanField(default=True)),
                (
                    "events",
                    models.JSONField(blank=True, default=trackside.django.webhooks.models.every_event),
                ),
                ("start", models.CharField(default="latest", max_length=16)),
                ("method", models.CharField(default="POST", max_length=8)),
                ("format", models.CharField(default="json", max_length=32)),
                ("where", models.JSONField(blank=True, default=dict)),
                ("fields", models.JSONField(blank=True, default=list)),
                ("redact", models.JSONField(blank=True, default=list)),
                ("redact_fields", models.JSONField(blank=True, default=list)),
                ("basic_username", models.CharField(blank=True, default="", max_length=255)),
                ("oauth_token_url", models.CharField(blank=True, default="", max_length=2048)),
                ("oauth_client_id", models.CharField(blank=True, default="", max_length=255)),
                ("oauth_scope", models.CharField(blank=True, default="", max_length=1000)),
                ("timeout_s", models.FloatField(default=15.0)),
                ("concurrency", models.IntegerField(default=8)),
                ("rate_per_s", models.FloatField(default=0.0)),
                ("ordering", models.CharField(default="none", max_length=16)),
                ("max_attempts", models.IntegerField(default=20)),
                ("min_backoff_s", models.FloatField(default=5.0)),
                ("max_backoff_s", models.FloatField(default=3600.0)),
                ("retry_schedule_s", models.JSONField(blank=True, default=list)),
                (
                    "refuse_statuses",
                    models.JSONField(blank=True, default=trackside.django.webhooks.models.too_large),
                ),
                ("longest_retry_after_s", models.FloatField(default=3600.0)),
                ("failures_until_probing", models.IntegerField(default=10)),
                ("disable_after_s", models.FloatField(default=432000.0)),
                ("tls_ca_file", models.CharField(blank=True, default="", max_length=255)),
                ("tls_certificate_file", models.CharField(blank=True, default="", max_length=255)),
                ("tls_key_file", models.CharField(blank=True, default="", max_length=255)),
                (
                    "secrets",
                    trackside.django.secret_rows.encryption.SecretsField(
                        blank=True, default=trackside.django.secret_rows.secrets.Secrets, editable=False
                    ),
                ),
                ("disabled_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("disabled_reason", models.TextField(blank=True, default="", editable=False)),
                ("created_at", models.DateTimeField(editable=False)),
                ("created_by", models.CharField(blank=True, default="", editable=False, max_length=255)),
                ("updated_at", models.DateTimeField(editable=False)),
                ("updated_by", models.CharField(blank=True, default="", editable=False, max_length=255)),
                ("deleted_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("revision", models.BigIntegerField(default=0, editable=False)),
            ],
            options={
                "verbose_name": "webhook",
                "db_table": "trackside_webhook",
                "ordering": ("name",),
                "base_manager_name": "all_rows",
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("all_rows", django.db.models.manager.Manager()),
            ],
        ),
    ]
