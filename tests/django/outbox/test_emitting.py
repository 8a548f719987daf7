"""`emit(…, on_commit=True)`: an event if and only if the transaction commits; on every database."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from msgspec.structs import replace

from tests.django.outbox.databases import ALIAS
from tests.django.outbox.shop import Shop, insert, inserts
from trackside import tracker
from trackside.django.outbox.rows import decode_event
from trackside.emitted import WrittenEvent
from trackside.emitted.identity import sending_as
from trackside.telemetry import catalogue


@contextmanager
def rolled_back() -> Iterator[None]:
    """A block of a transaction that ends with an exception nobody else sees."""
    with suppress(KeyError), transaction.atomic(ALIAS):
        yield
        raise KeyError("roll back")


# What a committed transaction emitted goes out.
def test_outside_of_a_transaction_the_event_goes_at_once(shop: Shop, connection: BaseDatabaseWrapper) -> None:
    with CaptureQueriesContext(connection) as queries:
        tracker.emit("apple", on_commit=True)
    assert shop.logged() == ["apple"]
    assert len(queries) == 0


def test_events_of_a_transaction_become_one_insert(shop: Shop, connection: BaseDatabaseWrapper) -> None:
    with CaptureQueriesContext(connection) as queries, transaction.atomic(ALIAS):
        shop.sell("apple", "pear", "plum")
        assert shop.logged() == []
    assert len(inserts(queries.captured_queries)) == 1
    assert shop.logged() == ["apple", "pear", "plum"]
    assert shop.waiting() == 0


def test_an_event_that_knows_its_id_keeps_it(shop: Shop, connection: BaseDatabaseWrapper) -> None:
    """And its user, its time, and what more it says: an id may be longer than a row's own."""
    id_ = "78cd35f8-e517-11f1-94f2-0242ac120002"
    event = {"name": "apple", "timestamp": datetime(2026, 1, 2, tzinfo=UTC), "data": {}, "context": {}}
    with transaction.atomic(ALIAS), sending_as(id_):
        tracker.get_tracker().emit_event({**event, "user_id": "7", "extra": {"a": [1]}}, on_commit=True)
    assert shop.logged() == ["apple"]
    (logged,) = shop.log.read(0).events
    assert (logged.id, logged.user_id, logged.timestamp) == (id_, "7", event["timestamp"])
    assert logged.decoded_extra() == {"origin": "tracker", "a": [1]}


def test_an_event_that_is_written_already(shop: Shop, connection: BaseDatabaseWrapper) -> None:
    """Is the same by way of a row, one INSERT for all of a transaction; a rollback takes it along."""
    at = datetime(2026, 1, 2, tzinfo=UTC)
    event = WrittenEvent("an id", "apple", at, b'{"a":"\xc3\xa9"}', {"c": 1}, "7", b',"x":[1],"y":true')
    with rolled_back():
        tracker.get_tracker().emit_written(event, on_commit=True)
    assert shop.logged() == []
    with CaptureQueriesContext(connection) as queries, transaction.atomic(ALIAS):
        tracker.get_tracker().emit_written(event, on_commit=True)
        shop.sell("pear")
        assert shop.logged() == []
    assert len(inserts(queries.captured_queries)) == 1
    assert shop.logged() == ["apple", "pear"]
    logged = shop.log.read(0).events[0]
    assert (logged.id, logged.user_id, logged.timestamp) == ("an id", "7", at)
    assert (logged.decoded_data(), logged.decoded_context()) == ({"a": "é"}, {"c": 1})
    assert logged.decoded_extra() == {"origin": "tracker", "x": [1], "y": True}
    tracker.get_tracker().emit_written(replace(event, id="another", name="plum"), on_commit=True)
    assert shop.logged() == ["apple", "pear", "plum"]


def test_a_written_event_that_has_no_json_or_too_much(shop: Shop) -> None:
    """Is counted and goes nowhere."""
    event = WrittenEvent("an id", "apple", datetime(2026, 1, 2, tzinfo=UTC), b"{}", {}, None, b"")
    before = catalogue.EMITTED_DROPPED.values()
    with transaction.atomic(ALIAS):
        tracker.get_tracker().emit_written(replace(event, context={"a": object()}), on_commit=True)
        large = replace(event, data=b'{"a":"%b"}' % (b"x" * 2_000_000))
        tracker.get_tracker().emit_written(large, on_commit=True)
    assert shop.logged() == []
    for reason in ("unencodable", "oversize"):
        assert catalogue.EMITTED_DROPPED.value(reason) == before.get((reason,), 0) + 1


def test_an_event_that_is_written_later(shop: Shop) -> None:
    """Becomes a row as any other; what its writing raises costs that event alone."""
    event = WrittenEvent("an id", "apple", datetime(2026, 1, 2, tzinfo=UTC), b"{}", {}, None, b"")

    class Later:
        size_bytes = 100

        def __init__(self, *, broken: bool) -> None:
            self._broken = broken

        def written(self) -> WrittenEvent:
            if self._broken:
                raise OSError
            return event

    before = catalogue.EMITTED_DROPPED.value("on_commit_failed")
    with transaction.atomic(ALIAS):
        for broken in (True, False):
            tracker.get_tracker().emit_written(Later(broken=broken), on_commit=True)
    assert shop.logged() == ["apple"]
    assert catalogue.EMITTED_DROPPED.value("on_commit_failed") == before + 1


def test_a_transaction_without_events_pays_nothing(shop: Shop, connection: BaseDatabaseWrapper) -> None:
    shop.sell("apple")
    with transaction.atomic(ALIAS):
        shop.sell("pear")
    with CaptureQueriesContext(connection) as queries, transaction.atomic(ALIAS):
        insert("plum")
    assert not [query for query in queries.captured_queries if "trackside" in query["sql"]]
    assert connection.execute_wrappers == []


def test_each_event_becomes_a_row_at_once_where_batching_is_off(
    shop: Shop, connection: BaseDatabaseWrapper, settings: Any
) -> None:
    settings.TRACKSIDE = {"outbox": {"database": ALIAS, "batch": False}}
    with CaptureQueriesContext(connection) as queries, transaction.atomic(ALIAS):
        shop.sell("apple", "pear")
        assert shop.waiting() == 2
    assert len(inserts(queries.captured_queries)) == 2
    assert shop.logged() == ["apple", "pear"]


def test_many_events_become_several_inserts(shop: Shop, connection: BaseDatabaseWrapper) -> None:
    names = [f"item {number}" for number in range(2_345)]
    with CaptureQueriesContext(connection) as queries, transaction.atomic(ALIAS):
        for name in names:
            tracker.emit(name, {"text": "x" * 1_000}, on_commit=True)
    assert len(inserts(queries.captured_queries)) == 13
    assert shop.logged() == names


def test_a_durable_block_and_a_decorator_are_transactions_too(shop: Shop) -> None:
    @transaction.atomic(ALIAS, durable=True)
    def sell(name: str) -> None:
        shop.sell(name)

    sell("apple")
    sell("pear")
    assert shop.logged() == ["apple", "pear"]


def test_an_event_of_a_commit_hook_goes_at_once(shop: Shop) -> None:
    with transaction.atomic(ALIAS):
        insert("apple")
        transaction.on_commit(lambda: tracker.emit("hook", on_commit=True) and None, using=ALIAS)
    assert shop.logged() == ["hook"]


def test_manual_transactions_count(shop: Shop) -> None:
    connection = connections[ALIAS]
    transaction.set_autocommit(False, using=ALIAS)
    try:
        shop.sell("apple")
        transaction.commit(using=ALIAS)
        shop.sell("pear")
        transaction.rollback(using=ALIAS)
        with transaction.atomic(ALIAS):
            shop.sell("plum")
        transaction.commit(using=ALIAS)
    finally:
        transaction.set_autocommit(True, using=ALIAS)
    assert connection.run_on_commit == []
    shop.relay()
    assert shop.logged() == shop.sold() == ["apple", "plum"]


# What is rolled back never was.
def test_nothing_of_a_transaction_that_is_rolled_back_goes_out(
    shop: Shop, connection: BaseDatabaseWrapper
) -> None:
    with CaptureQueriesContext(connection) as queries, rolled_back():
        shop.sell("apple")
    assert inserts(queries.captured_queries) == []
    shop.relay()
    assert shop.logged() == shop.sold() == []


def test_a_savepoint_takes_only_its_own_events_along(shop: Shop) -> None:
    with transaction.atomic(ALIAS):
        shop.sell("apple")
        with rolled_back():
            shop.sell("pear")
            with transaction.atomic(ALIAS):
                shop.sell("plum")
        shop.sell("quince")
        with transaction.atomic(ALIAS):
            shop.sell("fig")
        shop.sell("cherry")
    assert shop.logged() == ["apple", "quince", "fig", "cherry"]
    assert sorted(shop.logged()) == shop.sold()


@pytest.mark.parametrize("raw", [False, True])
def test_savepoints_made_by_hand_count(shop: Shop, raw: bool) -> None:
    def run(sql: str) -> None:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute(sql)

    with transaction.atomic(ALIAS):
        shop.sell("apple")
        name = "by_hand" if raw else transaction.savepoint(ALIAS)
        if raw:
            run("SAVEPOINT by_hand")
        shop.sell("pear")
        if raw:
            run("  rollback TO SAVEPOINT by_hand;")
        else:
            transaction.savepoint_rollback(name, ALIAS)
        shop.sell("plum")
        if raw:
            run("RELEASE SAVEPOINT by_hand")
        else:
            transaction.savepoint_commit(name, ALIAS)
    assert shop.logged() == shop.sold() == ["apple", "plum"]


def test_a_block_without_savepoint_takes_the_whole_transaction_along(shop: Shop) -> None:
    with transaction.atomic(ALIAS):
        shop.sell("apple")
        with suppress(KeyError), transaction.atomic(ALIAS, savepoint=False):
            shop.sell("pear")
            raise KeyError
        tracker.emit("after", on_commit=True)
    assert shop.logged() == shop.sold() == []


def test_set_rollback_counts(shop: Shop) -> None:
    with transaction.atomic(ALIAS):
        shop.sell("apple")
        transaction.set_rollback(True, using=ALIAS)
    assert shop.logged() == shop.sold() == []


def test_an_event_emitted_while_a_rollback_is_due_can_still_be_saved(shop: Shop) -> None:
    with transaction.atomic(ALIAS):
        point = transaction.savepoint(ALIAS)
        with pytest.raises(IntegrityError), transaction.atomic(ALIAS, savepoint=False):
            shop.sell("apple", "apple")
        tracker.emit("doomed", on_commit=True)
        transaction.set_rollback(False, using=ALIAS)
        transaction.savepoint_rollback(point, ALIAS)
        shop.sell("pear")
    assert shop.logged() == shop.sold() == ["pear"]


def test_an_error_that_the_application_passes_over(shop: Shop, vendor: str) -> None:
    """PostgreSQL makes a rollback of the commit, the others go on."""
    with transaction.atomic(ALIAS):
        shop.sell("apple")
        with pytest.raises(DatabaseError), connections[ALIAS].cursor() as cursor:
            cursor.execute("SELECT nonsense FROM nowhere")
        tracker.emit("after", on_commit=True)
    assert shop.sold() == ([] if vendor == "postgresql" else ["apple"])
    assert shop.logged() == ([] if vendor == "postgresql" else ["apple", "after"])


def test_a_closed_connection_takes_its_events_along(shop: Shop) -> None:
    with transaction.atomic(ALIAS):
        shop.sell("apple")
        connections[ALIAS].close()
        tracker.emit("after", on_commit=True)
    with transaction.atomic(ALIAS):
        shop.sell("pear")
    assert shop.logged() == shop.sold() == ["pear"]


def test_a_statement_that_commits_by_itself_has_the_events_with_it(shop: Shop, vendor: str) -> None:
    if vendor != "mysql":
        pytest.skip("only MySQL and MariaDB commit for CREATE TABLE")
    with rolled_back():
        shop.sell("apple")
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("CREATE TABLE other (id INTEGER)")
        shop.sell("pear")
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("DROP TABLE other")
    shop.relay()
    assert shop.logged() == shop.sold() == ["apple"]


# The event that goes out is the one that was emitted.
def test_id_time_context_and_data_are_those_of_the_emit(shop: Shop, connection: BaseDatabaseWrapper) -> None:
    data: dict[str, Any] = {
        "when": datetime(2026, 11, 1, tzinfo=UTC),
        "text": "ä\ud800\U0001f600",
        "n": 2**70,
    }
    before = datetime.now(UTC)
    with transaction.atomic(ALIAS):
        with tracker.get_tracker().context("request", {"user_id": 7}):
            tracker.emit("apple", data, on_commit=True)
        after = datetime.now(UTC)
        data["text"] = "changed"
        with transaction.atomic(ALIAS), connection.cursor() as cursor:
            cursor.execute("SELECT event_id, body FROM trackside_outbox")
            ((event_id, body),) = cursor.fetchall()
    (event,) = shop.log.read(0).events
    assert event.id == event_id
    assert before <= event.timestamp <= after
    assert event.user_id == "7"
    assert body.isascii()
    assert json.loads(body)["data"] == decode_event(body)["data"]
    assert decode_event(body)["data"] == {
        "when": "2026-11-01T00:00:00+00:00",
        "text": "ä\ud800\U0001f600",
        "n": 2**70,
    }


def test_an_event_without_json_is_counted_and_harms_nobody(shop: Shop) -> None:
    endless: list[Any] = []
    endless.append(endless)
    dropped = catalogue.EMITTED_DROPPED.value("unencodable")
    with transaction.atomic(ALIAS):
        shop.sell("apple")
        tracker.emit("endless", {"list": endless}, on_commit=True)
        tracker.emit("object", {"it": object()}, on_commit=True)
    assert catalogue.EMITTED_DROPPED.value("unencodable") == dropped + 2
    assert shop.logged() == ["apple"]


def test_an_event_that_is_too_large_is_counted_and_harms_nobody(shop: Shop) -> None:
    dropped = catalogue.EMITTED_DROPPED.value("oversize")
    with transaction.atomic(ALIAS):
        shop.sell("apple")
        tracker.emit("huge", {"text": "x" * 1_048_576}, on_commit=True)
    assert catalogue.EMITTED_DROPPED.value("oversize") == dropped + 1
    assert shop.logged() == ["apple"]


def test_a_tracker_nobody_registered_sends_after_the_commit(shop: Shop) -> None:
    mine = tracker.Tracker(tracker.get_tracker().backends)
    with transaction.atomic(ALIAS):
        mine.emit("apple", on_commit=True)
        with rolled_back():
            mine.emit("pear", on_commit=True)
        assert shop.logged() == []
    assert shop.logged() == ["apple"]


def test_durable_and_on_commit_together_promise_the_row(shop: Shop) -> None:
    with transaction.atomic(ALIAS):
        assert tracker.emit("apple", on_commit=True, durable=True) is True
    assert tracker.emit("pear", on_commit=True, durable=True) is True
    assert shop.logged() == ["apple", "pear"]


# The outbox's own trouble is not the application's.
def test_without_its_tables_events_go_after_the_commit(
    shop: Shop, connection: BaseDatabaseWrapper, caplog: pytest.LogCaptureFixture
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE trackside_outbox RENAME TO elsewhere")
    try:
        unstored = catalogue.OUTBOX_UNSTORED.value()
        with transaction.atomic(ALIAS):
            shop.sell("apple")
            with transaction.atomic(ALIAS):
                shop.sell("pear")
            with rolled_back():
                shop.sell("plum")
                with transaction.atomic(ALIAS):
                    shop.sell("fig")
        assert catalogue.OUTBOX_UNSTORED.value() == unstored + 2
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO trackside_outbox")
    assert shop.logged() == shop.sold() == ["apple", "pear"]
    assert "could not become rows" in caplog.text


def test_an_execute_wrapper_that_refuses_everything(shop: Shop, connection: BaseDatabaseWrapper) -> None:
    def refuse(*_: Any) -> None:
        raise RuntimeError("no statements here")

    with transaction.atomic(ALIAS):
        shop.sell("apple")
        connection.execute_wrappers.append(refuse)
    connection.execute_wrappers.remove(refuse)
    assert shop.logged() == shop.sold() == ["apple"]


# A site's own tests see what would go out.
def test_captured_commit_hooks_move_events_within_the_tests_transaction(shop: Shop) -> None:
    with rolled_back():
        with TestCase.captureOnCommitCallbacks(using=ALIAS, execute=True):
            shop.sell("apple")
            with transaction.atomic(ALIAS):
                shop.sell("pear")
        assert shop.logged() == ["apple", "pear"]
        assert shop.waiting() == 0
    assert shop.sold() == []


def test_a_transaction_that_may_only_read_sends_after_its_commit(
    shop: Shop, connection: BaseDatabaseWrapper, vendor: str
) -> None:
    if vendor != "postgresql":
        pytest.skip("only PostgreSQL can be told within the transaction")
    with transaction.atomic(ALIAS):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        tracker.emit("apple", on_commit=True)
        tracker.emit("pear", on_commit=True)
    assert shop.logged() == ["apple", "pear"]


def test_parameters_bound_by_the_server(
    shop: Shop, connection: BaseDatabaseWrapper, vendor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL then takes one statement at a time."""
    if vendor != "postgresql":
        pytest.skip("an option of PostgreSQL's backend")
    monkeypatch.setattr(type(connection.features), "uses_server_side_binding", True)
    with CaptureQueriesContext(connection) as queries, transaction.atomic(ALIAS):
        shop.sell("apple", "pear")
    assert [query["sql"].partition(" ")[0] for query in queries.captured_queries][-4:-1] == [
        "SAVEPOINT",
        "INSERT",
        "RELEASE",
    ]
    assert shop.logged() == ["apple", "pear"]
