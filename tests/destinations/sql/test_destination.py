"""What stands in the table, and what becomes of events that it does not take."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from tests.destinations.sql.databases import Database
from tests.destinations.sql.test_contract import make_sql
from trackside.destinations.base import DELIVERED, Delivery, Outcome, Refused
from trackside.errors import DestinationError
from trackside.event import Event
from trackside.testing.destination_contract import deliveries, make_event


def on(*kinds: str) -> pytest.MarkDecorator:
    """Return what runs a test on databases of these kinds only."""
    return pytest.mark.parametrize("database", kinds, indirect=True)


def send(database: Database, *batches: Sequence[Delivery], **settings: Any) -> list[Outcome]:
    """Return the outcomes of all batches, sent by one destination."""

    async def scenario() -> list[Outcome]:
        sql = make_sql(database, **settings)
        try:
            await sql.open(None)
            return [outcome for batch in batches for outcome in await sql.send(batch)]
        finally:
            await sql.close()

    return asyncio.run(scenario())


def among_others(event: Event) -> list[Delivery]:
    """Return deliveries of which that of number 5 is this event."""
    found = deliveries(*range(1, 9))
    found[4] = Delivery(5, event)
    return found


def rich() -> Event:
    """An event with something everywhere."""
    return replace(
        make_event(
            7, data=b'{"course":"course-v1:edX+DemoX","half":"\\ud800"}', context=b'{"ip":"192.0.2.7"}'
        ),
        name="Räksmörgås 𝄞 %s ?",
        user_id=None,
        anonymous_id="a'b\"c\\",
        original_timestamp="2026-11-20T12:00:07+09:00",
        extra=Raw(b'{"groupId":"g"}'),
        timestamp=datetime(2026, 11, 20, 12, 0, 7, 7, tzinfo=UTC),
    )


def test_columns(database: Database) -> None:
    """Each field of an event in a column of its own, typed where the database has such types."""
    assert send(database, [Delivery(7, rich())]) == [DELIVERED]
    names = (
        "id, name, type, source, user_id, anonymous_id, timestamp, received_at, original_timestamp, sent_at"
    )
    ((*texts, at, received_at, original, sent_at),) = database.ask(f"SELECT {names} FROM events")
    assert texts == ["event-7", "Räksmörgås 𝄞 %s ?", "track", "web", None, "a'b\"c\\"]
    assert (original, sent_at) == ("2026-11-20T12:00:07+09:00", None)
    if database.kind == "sqlite":
        assert (at, received_at) == ("2026-11-20T12:00:07.000007+00:00",) * 2
    else:
        assert at.replace(tzinfo=UTC) == received_at.replace(tzinfo=UTC) == rich().timestamp
    ((data, context, extra),) = database.ask("SELECT data, context, extra FROM events")
    decoded = [each if isinstance(each, dict) else json.loads(each) for each in (data, context, extra)]
    assert decoded == [
        {"course": "course-v1:edX+DemoX", "half": "\ufffd"},
        {"ip": "192.0.2.7"},
        {"groupId": "g"},
    ]


def test_json_can_be_asked(database: Database) -> None:
    """As the how-to says."""
    send(database, [Delivery(7, rich())])
    path = {
        "sqlite": "data ->> '$.course'",
        "postgresql": "data ->> 'course'",
        "mysql": "JSON_VALUE(data, '$.course')",
    }[database.kind]
    assert database.ask(f"SELECT {path} FROM events") == [("course-v1:edX+DemoX",)]


def test_a_repeat_changes_nothing(database: Database) -> None:
    """Not even where the event was changed meanwhile; nor within one batch."""
    changed = replace(make_event(1), name="Changed")
    assert send(database, deliveries(1, 2, 1), [Delivery(1, changed)]) == [DELIVERED] * 4
    assert database.ask("SELECT id, name FROM events ORDER BY id") == [
        ("event-1", "Lesson Opened"),
        ("event-2", "Lesson Opened"),
    ]


def test_ids_are_told_apart_exactly(database: Database) -> None:
    """By case, by a space at the end, by the source: each is an event."""
    events = [
        replace(make_event(1), id=id_, source=source)
        for id_, source in (("a-1", "web"), ("A-1", "web"), ("a-1 ", "web"), ("á-1", "web"), ("a-1", "app"))
    ]
    assert send(database, [Delivery(n, event) for n, event in enumerate(events)]) == [DELIVERED] * 5
    assert database.ask("SELECT count(*) FROM events") == [(5,)]


POISON = {
    "postgresql": {
        "NUL in a text": replace(make_event(5), name="a\0b"),
        "NUL in JSON": make_event(5, data=b'{"a":"\\u0000"}'),
    },
    "mysql": {
        "a long name": replace(make_event(5), name="n" * 513),
        "a long id": replace(make_event(5), id="i" * 256),
        "deep JSON": make_event(5, data=b'{"a":' + b"[" * 200 + b"]" * 200 + b"}"),
    },
}


@pytest.mark.parametrize(
    ("database", "what"),
    [(kind, what) for kind, events in POISON.items() for what in events],
    indirect=["database"],
)
def test_one_row_that_is_not_taken(database: Database, what: str) -> None:
    """It alone is a dead letter; those beside it are stored."""
    outcomes = send(database, among_others(POISON[database.kind][what]))
    refused = outcomes.pop(4)
    assert isinstance(refused, Refused), what
    assert refused.reason.startswith(("PostgreSQL does not take it: ", "MySQL does not take it: "))
    assert "nnnn" not in refused.reason
    assert outcomes == [DELIVERED] * 7
    assert database.ids() == [f"event-{n}" for n in range(1, 9) if n != 5]


def test_a_time_out_of_range(database: Database) -> None:
    """And whatever else the table's owner does not want: a constraint is theirs to make."""
    send(database, [])
    if database.kind == "sqlite":
        database.ask(
            "CREATE TRIGGER years BEFORE INSERT ON events WHEN NEW.timestamp < '1970'"
            " BEGIN SELECT RAISE(ABORT, 'too old'); END"
        )
    else:
        database.ask("ALTER TABLE events ADD CONSTRAINT years CHECK (timestamp > '1970-01-01')")
    outcomes = send(database, among_others(replace(make_event(5), timestamp=datetime(1, 1, 1, tzinfo=UTC))))
    assert isinstance(outcomes.pop(4), Refused)
    assert outcomes == [DELIVERED] * 7


@on("postgresql", "mysql")
def test_every_row_may_be_odd(database: Database) -> None:
    """Halving ends; each has its outcome."""
    bad = {
        "postgresql": {"name": "a\0"},
        "mysql": {"name": "n" * 600},
    }[database.kind]
    outcomes = send(
        database, [Delivery(each.position, replace(each.event, **bad)) for each in deliveries(1, 2, 3)]
    )
    assert [type(outcome) for outcome in outcomes] == [Refused] * 3


@pytest.mark.parametrize("table", ['we"ird `%s', "%(x)s", "select", "Ünïcode table"])
def test_any_name_of_a_table(database: Database, table: str) -> None:
    """It is quoted, whatever is in it."""
    assert send(database, deliveries(1, 2), deliveries(2, 3), table=table) == [DELIVERED] * 4
    quote = "`" if database.kind == "mysql" else '"'
    name = table.replace(quote, 2 * quote)
    statement = f"SELECT count(*) FROM {quote}{name}{quote}"
    assert database.ask(statement) == [(3,)]


def test_a_table_of_a_schema(database: Database) -> None:
    if database.kind == "postgresql":
        database.ask("CREATE SCHEMA analytics")
    schema = {"sqlite": "main", "postgresql": "analytics", "mysql": database.name}[database.kind]
    assert send(database, deliveries(1, 2), table=f"{schema}.visits") == [DELIVERED] * 2
    assert database.ids(f"{schema}.visits") == ["event-1", "event-2"]


@on("postgresql")
def test_a_user_who_may_only_insert(database: Database) -> None:
    """The table is there: nobody asks for the right to make one."""
    send(database, deliveries(1))
    role = f"{database.name}_writer"
    database.ask(f"CREATE ROLE {role} LOGIN; GRANT SELECT, INSERT ON events TO {role}")
    try:
        url = database.url.replace("postgres:", f"{role}:", 1)
        assert send(database, deliveries(1, 2), url=url) == [DELIVERED] * 2
    finally:
        database.ask(f"DROP OWNED BY {role}; DROP ROLE {role}")


COLUMNS = (
    "id VARCHAR(100) NOT NULL, name TEXT, type TEXT, source VARCHAR(100) NOT NULL, user_id TEXT, anonymous_id TEXT,"
    " timestamp VARCHAR(40), received_at VARCHAR(40), original_timestamp TEXT, sent_at TEXT, data TEXT, context TEXT"
)


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (f"{COLUMNS}, PRIMARY KEY (source, id)", "has no column extra;"),
        ("id INT", "has no column name, type, source, user_id,"),
        (f"{COLUMNS}, extra TEXT, PRIMARY KEY (id)", ""),
        (f"{COLUMNS}, extra TEXT", ""),
        (f"{COLUMNS}, extra TEXT, shard INT NOT NULL, PRIMARY KEY (source, id)", "takes no event: "),
    ],
)
def test_a_table_that_is_not_as_it_must_be(database: Database, columns: str, told: str) -> None:
    """It is said when the destination opens, before an event is lost or stored twice."""
    database.ask(f"CREATE TABLE events ({columns})")
    with pytest.raises(DestinationError, match=f"^table events .*{told}"):
        send(database, deliveries(1))
    assert database.ask("SELECT count(*) FROM events") == [(0,)]


def test_a_table_of_ones_own(database: Database) -> None:
    """Other types and further columns are fine, where they take every event."""
    database.ask(
        f"CREATE TABLE events ({COLUMNS}, extra TEXT, note TEXT, PRIMARY KEY (source, id))".replace(
            "PRIMARY KEY (source, id))",
            "PRIMARY KEY (source, id))" + (" COLLATE utf8mb4_nopad_bin" if database.kind == "mysql" else ""),
        )
    )
    outcomes = send(database, [*deliveries(1), Delivery(2, make_event(2, data=b'{"a":"\\u0000"}'))])
    assert outcomes == [DELIVERED] * 2
    assert database.ids() == ["event-1", "event-2"]


@on("postgresql", "mysql")
def test_a_type_that_is_too_short_cuts_nothing_off(database: Database) -> None:
    """It refuses."""
    collation = " COLLATE utf8mb4_nopad_bin" if database.kind == "mysql" else ""
    short = COLUMNS.replace("name TEXT", "name VARCHAR(20)")
    database.ask(f"CREATE TABLE events ({short}, extra TEXT, PRIMARY KEY (source, id)){collation}")
    outcomes = send(database, among_others(replace(make_event(5), name="n" * 21)))
    assert isinstance(outcomes.pop(4), Refused)
    assert outcomes == [DELIVERED] * 7


@on("mysql")
def test_tables_of_mysql_that_lose_events(database: Database) -> None:
    """A collation that takes two ids for one, and an engine without transactions."""
    for collation in ("utf8mb4_general_ci", "utf8mb4_bin"):
        database.ask(
            f"CREATE TABLE events ({COLUMNS}, extra TEXT, PRIMARY KEY (source, id)) COLLATE {collation}"
        )
        with pytest.raises(DestinationError, match="takes two events for one"):
            send(database, deliveries(1))
        database.ask("DROP TABLE events")
    database.ask(f"CREATE TABLE events ({COLUMNS}, extra TEXT, PRIMARY KEY (source, id)) ENGINE=MyISAM")
    with pytest.raises(DestinationError, match="engine MyISAM, which has no transactions; want InnoDB"):
        send(database, deliveries(1))


def test_another_unique_key_is_not_hidden(database: Database) -> None:
    """A row that it stands in the way of is told, not dropped; and before the next start, that it is there."""
    column = "user_id(100)" if database.kind == "mysql" else "user_id"
    twin = replace(make_event(2), user_id="1")

    async def scenario() -> list[Outcome]:
        sql = make_sql(database)
        try:
            await sql.open(None)
            await sql.send(deliveries(1))
            database.ask(f"CREATE UNIQUE INDEX one_each ON events ({column})")
            return list(await sql.send([Delivery(2, twin), *deliveries(3, 1)]))
        finally:
            await sql.close()

    first, second, third = asyncio.run(scenario())
    assert isinstance(first, Refused)
    assert (second, third) == (DELIVERED, DELIVERED)
    assert database.ids() == ["event-1", "event-3"]
    with pytest.raises(DestinationError, match=r"^table events takes no event: "):
        send(database, [])
