"""How the questions of a webfilter are laid out."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Two columns."""

    dependencies = [
        ("trackside", "0004_webfilters"),
    ]

    operations = [
        migrations.AddField(
            model_name="webfilter",
            name="layout",
            field=models.CharField(default="plain", max_length=16),
        ),
        migrations.AddField(
            model_name="webfilter",
            name="event_type",
            field=models.CharField(blank=True, default="", max_length=255),
        ),
    ]
