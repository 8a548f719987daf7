"""A database that is away, comes back, or hangs."""

import asyncio
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.destinations.sql.databases import Database
from tests.destinations.sql.proxy import Proxy
from tests.destinations.sql.test_contract import make_sql
from trackside.config.settings import LogSettings
from trackside.delivery import DeliveryEngine
from trackside.destinations.base import DELIVERED, Unsent
from trackside.destinations.sql import Sql, SqlSettings, engine_for
from trackside.errors import DestinationError
from trackside.event import Batch
from trackside.log.base import append_and_wait
from trackside.log.sqlite import SQLiteLog
from trackside.log.subscription import SubscriptionState
from trackside.testing.destination_contract import deliveries, make_event

pytestmark = pytest.mark.parametrize("database", ["postgresql", "mysql"], indirect=True)


@pytest.fixture
def proxy(database: Database) -> Iterator[Proxy]:
    """A way to the server that can be cut."""
    server = urlsplit(database.url)
    with Proxy(server.hostname or "", server.port or 0) as proxy:
        yield proxy


def test_away_and_back(database: Database, proxy: Proxy) -> None:
    """No attempt is spent, rests grow, and with the first answer everything goes on."""

    async def scenario() -> None:
        sql = make_sql(database, url=database.url_by("127.0.0.1", proxy.port))
        await sql.open(None)
        assert await sql.send(deliveries(1)) == [DELIVERED]
        proxy.cut()
        rests = []
        for _ in range(6):
            outcomes = await sql.send(deliveries(2, 3))
            assert all(isinstance(outcome, Unsent) and outcome.reason for outcome in outcomes)
            rests += [outcome.rest_s for outcome in outcomes[:1] if isinstance(outcome, Unsent)]
        assert rests == [1, 2, 4, 8, 15, 15]
        proxy.restore()
        assert await sql.send(deliveries(2, 3)) == [DELIVERED] * 2
        await sql.close()

    asyncio.run(scenario())
    assert database.ids() == ["event-1", "event-2", "event-3"]


def test_the_connection_was_closed_while_nothing_was_sent(database: Database) -> None:
    """By a restart, a failover, the server's own timeout: the next events go by a new one, and nobody is told."""
    statement = {
        "postgresql": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'trackside'"
        f" AND datname = '{database.name}'",
        "mysql": f"SELECT id FROM information_schema.PROCESSLIST WHERE DB = '{database.name}'"
        " AND ID != CONNECTION_ID()",
    }[database.kind]

    async def scenario() -> None:
        sql = make_sql(database)
        await sql.open(None)
        await sql.send(deliveries(1))
        for (found,) in database.ask(statement):
            if database.kind == "mysql":
                database.ask(f"KILL {found}")
        assert await sql.send(deliveries(2)) == [DELIVERED]
        await sql.close()

    asyncio.run(scenario())
    assert database.ids() == ["event-1", "event-2"]


def test_nobody_there_at_the_start(database: Database, proxy: Proxy) -> None:
    """It is told without the password, and the worker tries again."""
    url = database.url_by("127.0.0.1", proxy.port)
    url = re.sub("://.*@", "://me:hunter2@", url)
    proxy.cut()

    async def scenario() -> None:
        sql = make_sql(database, url=url)
        with pytest.raises(DestinationError, match="takes nothing") as told:
            await sql.open(None)
        await sql.close()
        assert "hunter2" not in str(told.value)

    asyncio.run(scenario())


@pytest.mark.slow
def test_one_that_never_answers_holds_up_nobody(database: Database, proxy: Proxy) -> None:
    """The loop goes on, and the destination gives up by its timeout."""
    proxy.passes_on = False

    async def scenario() -> None:
        sql = make_sql(database, url=database.url_by("127.0.0.1", proxy.port), timeout_s=1.0)
        opening = asyncio.create_task(sql.open(None))
        began = time.monotonic()
        await asyncio.sleep(0.05)
        assert time.monotonic() - began < 0.5
        with pytest.raises(DestinationError):
            await asyncio.wait_for(opening, 30)
        await sql.close()

    asyncio.run(scenario())


def wait_for(log: SQLiteLog, position: int) -> SubscriptionState:
    """Return the state once everything up to there is delivered."""
    deadline = time.monotonic() + 60
    while (state := log.subscription("sql").state()).position < position:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return state


@pytest.mark.faults
def test_away_during_delivery(database: Database, proxy: Proxy, tmp_path: Path) -> None:
    """No event is lost, none is stored twice, none is a dead letter, none spends an attempt, and nothing crashes."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    log = SQLiteLog(folder, LogSettings())
    settings = SqlSettings(url=database.url_by("127.0.0.1", proxy.port), timeout_s=5.0, batch_events=20)
    place = Sql(settings, lambda: engine_for(settings, tmp_path))
    engine = DeliveryEngine(log, {"sql": (place, settings)}, folder / "delivery.lock")
    engine.start()
    number = 0
    for moment in range(60):
        if moment in {10, 30}:
            proxy.cut()
        if moment in {20, 40}:
            proxy.restore()
        append_and_wait(log, Batch(events=[make_event(n) for n in range(number, number + 100)]))
        number += 100
        time.sleep(0.03)
    state = wait_for(log, log.bounds().last)
    assert (state.delivered, state.dead, state.retrying) == (number, 0, 0)
    engine.stop()
    log.close()
    assert database.ids() == [f"event-{n}" for n in range(number)]
