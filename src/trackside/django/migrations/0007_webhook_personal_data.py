"""What a webhook is sent of people."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """One column."""

    dependencies = [
        ("trackside", "0006_webfilter_tls"),
    ]

    operations = [
        migrations.AddField(
            model_name="webhook",
            name="personal_data",
            field=models.CharField(default="full", max_length=16),
        ),
    ]
