"""A question asked while a transaction is open is told."""

import logging
import threading
from collections.abc import Iterator

import pytest
from django.db import connection, connections, transaction
from django.test import TestCase

from tests.webfilters.tools import DATA, ENROLLMENT, Asked, changes, hook
from trackside.django.webfilters.transactions import in_transaction
from trackside.telemetry import catalogue
from trackside.webfilters import Webfilters


@pytest.fixture
def _a_database(transactional_db: None) -> Iterator[None]:
    yield
    connection.close()


@pytest.mark.usefixtures("_a_database")
def test_a_transaction_is_seen_while_it_is_open() -> None:
    """Also one within another, and one without atomic."""
    assert not in_transaction()
    with transaction.atomic():
        assert in_transaction()
        with transaction.atomic():
            assert in_transaction()
    assert not in_transaction()
    transaction.set_autocommit(False)
    try:
        assert in_transaction()
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)
    assert not in_transaction()


def test_a_connection_nobody_opened_is_not_opened() -> None:
    """Asking costs no connection to a database; each thread has its own."""
    found: list[object] = []

    def look() -> None:
        found.append(in_transaction())
        found.extend(connections.all(initialized_only=True))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [False]


@pytest.mark.usefixtures("_a_database")
def test_a_question_within_a_transaction_is_recorded_counted_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is asked all the same: what the platform does is the platform's."""
    before = catalogue.WEBFILTER_IN_TRANSACTION.value(ENROLLMENT.name)
    asked = Asked(hook(), crm=changes(mode="x"))
    webfilters = Webfilters([hook()], asker=asked.receivers, auditor=asked, in_transaction=in_transaction)
    caplog.set_level(logging.WARNING)
    webfilters.ask(ENROLLMENT, DATA)
    assert not asked.last.in_transaction
    for _ in range(2):
        with transaction.atomic():
            assert webfilters.ask(ENROLLMENT, DATA).changes == {"mode": "x"}
        assert asked.last.in_transaction
    assert catalogue.WEBFILTER_IN_TRANSACTION.value(ENROLLMENT.name) == before + 2
    [record] = caplog.records
    assert record.message == "a question is asked while a transaction is open"
    assert record.__dict__["point"] == ENROLLMENT.name


class TransactionOfATestCase(TestCase):
    """A test of the platform, whose own transaction is around it."""

    def test_it_is_none(self) -> None:
        """Else every test of the platform would be told."""
        assert connection.in_atomic_block
        assert not in_transaction()
        with transaction.atomic():
            assert in_transaction()
