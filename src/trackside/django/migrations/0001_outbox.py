"""Make the outbox's tables."""

from typing import Any

from django.db import migrations, models


def _event() -> list[tuple[str, Any]]:
    return [
        ("id", models.BigAutoField(primary_key=True, serialize=False)),
        ("event_id", models.CharField(max_length=32)),
        ("tracker", models.CharField(max_length=100)),
        ("emitted_us", models.BigIntegerField()),
        ("attempts", models.SmallIntegerField(db_default=0)),
        ("body", models.TextField()),
    ]


class Migration(migrations.Migration):
    """Rows that wait, rows set aside, and the row that a relay locks."""

    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="OutboxRow",
            fields=_event(),
            options={"verbose_name": "waiting event", "db_table": "trackside_outbox"},
        ),
        migrations.CreateModel(
            name="SetAsideRow",
            fields=[
                *_event(),
                ("reason", models.CharField(max_length=200)),
                ("set_aside_us", models.BigIntegerField()),
            ],
            options={
                "verbose_name": "event set aside",
                "verbose_name_plural": "events set aside",
                "db_table": "trackside_outbox_set_aside",
            },
        ),
        migrations.CreateModel(
            name="OutboxLock",
            fields=[("name", models.CharField(max_length=32, primary_key=True, serialize=False))],
            options={"db_table": "trackside_outbox_lock"},
        ),
    ]
