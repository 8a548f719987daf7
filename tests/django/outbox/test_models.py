"""The models say what the tables are."""

from django.apps import apps
from django.db import connections
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from tests.django.outbox.databases import ALIAS, Settings
from trackside.django.outbox.models import OutboxRow, SetAsideRow
from trackside.django.outbox.rows import Row, insert_statement, select_rows, set_aside


def test_no_migration_is_missing() -> None:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    changes = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps))
    assert changes.changes(graph=loader.graph, trim_to_apps={"trackside"}) == {}


def test_what_is_written_by_sql_is_read_by_the_models(database: Settings) -> None:
    connection = connections[ALIAS]
    with connection.cursor() as cursor:
        cursor.execute(*insert_statement([Row("a" * 32, "default", 1_500_000, '{"name": "x"}')]))
    waiting = OutboxRow.objects.using(ALIAS).get()
    assert (waiting.event_id, waiting.tracker, waiting.attempts) == ("a" * 32, "default", 0)
    assert waiting.emitted_at.isoformat() == "1970-01-01T00:00:01.500000+00:00"
    set_aside(connection, select_rows(connection, 1)[0], "r" * 300, 2_000_000)
    aside = SetAsideRow.objects.using(ALIAS).get()
    assert (aside.body, aside.reason, aside.set_aside_us) == ('{"name": "x"}', "r" * 200, 2_000_000)
