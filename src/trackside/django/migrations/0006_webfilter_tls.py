"""Whom a webfilter's requests trust, and who they say we are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Three columns."""

    dependencies = [
        ("trackside", "0005_webfilter_layout"),
    ]

    operations = [
        migrations.AddField(
            model_name="webfilter",
            name=name,
            field=models.CharField(blank=True, default="", max_length=255),
        )
        for name in ("tls_ca_file", "tls_certificate_file", "tls_key_file")
    ]
