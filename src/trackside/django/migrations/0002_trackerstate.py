"""Let people be allowed to see the tracker's page; there is no table."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """A model without a table."""

    dependencies = [("trackside", "0001_outbox")]
    operations = [
        migrations.CreateModel(
            name="TrackerState",
            fields=[("id", models.BigAutoField(primary_key=True, serialize=False))],
            options={
                "verbose_name": "tracker",
                "verbose_name_plural": "tracker",
                "managed": False,
                "base_manager_name": "objects",
                "default_permissions": ("view",),
            },
        ),
    ]
