"""A transaction is seen, and nobody is asked within it."""

import logging
import threading
from collections.abc import Iterator

import pytest
from django.db import connection, connections, transaction
from django.test import TestCase
from pytest_django import Settings

from tests.webfilters.tools import DATA, ENROLLMENT, Asked, changes, hook
from trackside.django.webfilters import installing
from trackside.django.webfilters.transactions import in_transaction
from trackside.telemetry import catalogue
from trackside.testing import assert_asked, webfilter_answers
from trackside.webfilters import Webfilters, webfilter


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
def test_within_a_transaction_nobody_is_asked_which_is_recorded_counted_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its locks would be held as long as a receiver takes; the platform goes on or halts, as each hook says."""
    before = catalogue.WEBFILTER_NOT_ASKED_IN_TRANSACTION.value(ENROLLMENT.name)
    asked = Asked(crm=changes(mode="x"))
    webfilters = Webfilters([hook()], asker=asked.receivers, auditor=asked, in_transaction=in_transaction)
    caplog.set_level(logging.WARNING)
    assert webfilters.ask(ENROLLMENT, DATA).changes == {"mode": "x"}
    assert not asked.last.in_transaction
    for _ in range(2):
        with transaction.atomic():
            assert webfilters.ask(ENROLLMENT, DATA).data is DATA
        assert (asked.last.in_transaction, asked.last.fail_open) == (True, True)
    assert len(asked.receivers.requests) == 1
    assert catalogue.WEBFILTER_NOT_ASKED_IN_TRANSACTION.value(ENROLLMENT.name) == before + 2
    [record] = caplog.records
    assert record.message.startswith("nobody is asked while a database transaction is open")
    assert "ask_in_transaction" in record.message
    assert record.__dict__["point"] == ENROLLMENT.name


@pytest.mark.usefixtures("_a_database")
def test_who_says_so_is_asked_within_a_transaction(caplog: pytest.LogCaptureFixture) -> None:
    """That is recorded and counted; to be logged it was chosen too well."""
    before = catalogue.WEBFILTER_IN_TRANSACTION.value(ENROLLMENT.name)
    asked = Asked(crm=changes(mode="x"))
    webfilters = Webfilters([hook()], asker=asked.receivers, auditor=asked, in_transaction=in_transaction)
    with transaction.atomic():
        assert webfilters.ask(ENROLLMENT, DATA, ask_in_transaction=True).changes == {"mode": "x"}
    assert asked.last.in_transaction
    assert catalogue.WEBFILTER_IN_TRANSACTION.value(ENROLLMENT.name) == before + 1
    assert not caplog.records


@pytest.mark.usefixtures("_a_database")
def test_a_test_finds_out_what_nobody_will_be_asked(settings: Settings) -> None:
    """It asks nobody where the project would not, and fails with the reason; what is allowed there is allowed here."""
    settings.TRACKSIDE = {}
    installing.install()
    answers = {ENROLLMENT.name: {"data": {"mode": "x"}}}
    with webfilter_answers(answers) as asked:
        assert webfilter(ENROLLMENT, DATA).changes == {"mode": "x"}
    assert_asked(ENROLLMENT.name, asked=asked)
    with pytest.raises(AssertionError, match="a database transaction is open"):  # noqa: SIM117
        with webfilter_answers(answers) as asked, transaction.atomic():
            assert webfilter(ENROLLMENT, DATA).changes == {}
    assert asked == []
    with webfilter_answers(answers), transaction.atomic():
        assert webfilter(ENROLLMENT, DATA, ask_in_transaction=True).changes == {"mode": "x"}
    settings.TRACKSIDE = {"webfilters": {"ask_in_transaction": True}}
    with webfilter_answers(answers), transaction.atomic():
        assert webfilter(ENROLLMENT, DATA).changes == {"mode": "x"}


class TransactionOfATestCase(TestCase):
    """A test of the platform, whose own transaction is around it."""

    def test_it_is_none(self) -> None:
        """Else every test of the platform would be told."""
        assert connection.in_atomic_block
        assert not in_transaction()
        with transaction.atomic():
            assert in_transaction()
