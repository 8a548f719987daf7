"""Events in MongoDB: the real driver against a server of our own, and against a real one where it runs."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from unittest.mock import MagicMock, patch, sentinel
from uuid import UUID, uuid4

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.backends.mongo_server import MongoServer, mongo_server
from trackside.backends import mongodb
from trackside.backends.mongodb import FEW, MongoBackend
from trackside.errors import ConfigurationError
from trackside.telemetry import catalogue

AT = datetime(2026, 11, 3, 9, 30, 15, 120_000, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _own_counters() -> Iterator[None]:
    catalogue.BACKEND_DROPPED.reset()
    yield
    catalogue.BACKEND_DROPPED.reset()


@pytest.fixture
def server() -> Iterator[MongoServer]:
    with mongo_server() as server:
        yield server


def backend_for(server: MongoServer, **options: Any) -> MongoBackend:
    return MongoBackend(host="127.0.0.1", port=server.port, exit_timeout_s=0.1, **options)


def close(backend: MongoBackend) -> None:
    backend.database.client.close()


def event(name: str = "edx.x", **data: Any) -> dict[str, Any]:
    return {"name": name, "timestamp": AT, "data": data, "context": {"user_id": 7}}


def stored(server: MongoServer, namespace: str = "eventtracking.events") -> list[dict[str, Any]]:
    return [
        {name: value for name, value in document.items() if name != "_id"}
        for document in server.documents.get(namespace, {}).values()
    ]


@pytest.mark.parametrize("count", [1, FEW, FEW + 1, 3_000])
def test_every_event_is_a_document(server: MongoServer, count: int) -> None:
    """Name, time, data and context as they were; the event itself is not touched; the indexes are asked for."""
    backend = backend_for(server)
    original = event(n=1)
    for number in range(count):
        backend.send(event(n=number))
    backend.send(original)
    assert backend.flush(10)
    close(backend)
    documents = stored(server)
    assert len(documents) == count + 1
    assert documents[-1] == {**original, "timestamp": AT.replace(tzinfo=None)}
    assert "_id" not in original
    assert server.indexes == [{"time": -1}, {"name": 1}]


def test_nothing_is_connected_before_the_first_event(server: MongoServer) -> None:
    """Making the backend speaks to nobody."""
    backend_for(server)
    assert server.commands == []


def test_what_was_sent_is_what_it_was_then(server: MongoServer) -> None:
    """A change of the data after `send` changes nothing."""
    backend = backend_for(server)
    changing = event(n=[1])
    backend.send(changing)
    changing["data"]["n"].append(2)
    assert backend.flush(5)
    close(backend)
    assert stored(server)[0]["data"] == {"n": [1]}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (UUID(int=5), str(UUID(int=5))),
        (Decimal("1.50"), "1.50"),
        ({"set"}, ["set"]),
        (2**70, str(2**70)),
        ("half \ud83d", "half \N{REPLACEMENT CHARACTER}"),
        ({1: "one"}, {"1": "one"}),
    ],
)
def test_what_bson_has_no_type_for(server: MongoServer, value: object, written: object) -> None:
    """It is written as in JSON; the time of the event stays a time."""
    backend = backend_for(server)
    backend.send(event(value=value))
    assert backend.flush(5)
    close(backend)
    (document,) = stored(server)
    assert document["data"] == {"value": written}
    assert document["timestamp"] == AT.replace(tzinfo=None)


def test_what_cannot_be_written_is_counted(server: MongoServer) -> None:
    """With its reason, and its neighbours are written."""
    backend = backend_for(server)
    for bad in ({"x": object()}, {"x": "y" * 16_000_001}):
        backend.send({**event(), "data": bad})
    backend.send(event("good"))
    backend.send(event("refused"))
    for _ in range(FEW + 1):
        backend.send(event("good"))
    backend.send(event("refused"))
    assert backend.flush(10)
    close(backend)
    assert {document["name"] for document in stored(server)} == {"good"}
    assert len(stored(server)) == FEW + 2
    values = {labels[1]: value for labels, value in catalogue.BACKEND_DROPPED.values().items()}
    assert values == {"unencodable": 1, "oversize": 1, "refused": 2}


def test_a_login() -> None:
    """By SCRAM, with the user of the database itself, as old settings mean it."""
    with mongo_server(login=("track", "s3cret")) as server:
        backend = backend_for(server, user="track", password="s3cret", database="own", collection="c")
        backend.send(event())
        assert backend.flush(10)
        close(backend)
        assert len(stored(server, "own.c")) == 1
        assert "saslContinue" in server.commands


def test_a_wrong_login_waits_for_somebody_to_correct_it(caplog: pytest.LogCaptureFixture) -> None:
    """Events are kept; once the server knows the user they are written."""
    with mongo_server(login=("track", "another")) as server:
        backend = backend_for(server, user="track", password="s3cret")
        backend.send(event())
        assert not backend.flush(0.5)
        assert "refuses the login" in caplog.text
        assert "s3cret" not in caplog.text
        server.login = ("track", "s3cret")
        assert backend.flush(10)
        close(backend)
        assert len(stored(server)) == 1


@pytest.mark.parametrize("count", [3, 50])
def test_a_lost_answer_inserts_nothing_twice(server: MongoServer, count: int) -> None:
    """The connection breaks after the insert; it is repeated, and recognised."""
    backend = backend_for(server, extra={"retryWrites": False})
    server.fail_inserts = 2
    for number in range(count):
        backend.send(event(n=number))
    assert backend.flush(20)
    close(backend)
    assert sorted(document["data"]["n"] for document in stored(server)) == list(range(count))


@pytest.mark.faults
def test_a_dead_server(free_port: int) -> None:
    """Sending stays quick; what fits is written when MongoDB is there, the rest is counted."""
    backend = MongoBackend(
        host="127.0.0.1",
        port=free_port,
        queue_bytes=100_000,
        exit_timeout_s=0.1,
        extra={"serverSelectionTimeoutMS": 100},
    )
    durations = []
    for number in range(2_000):
        began = time.perf_counter()
        backend.send(event(n=number))
        durations.append(time.perf_counter() - began)
    assert sorted(durations)[1_980] < 0.005
    lost = catalogue.BACKEND_DROPPED.value("mongodb", "queue_full")
    assert 0 < lost < 2_000
    with mongo_server(free_port) as server:
        assert backend.flush(30)
        close(backend)
        numbers = [document["data"]["n"] for document in stored(server)]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 2_000 - lost


def test_a_child_connects_anew(server: MongoServer) -> None:
    """Parent and child both write after a fork."""
    backend = backend_for(server)
    backend.send(event("before"))
    assert backend.flush(5)
    pid = os.fork()
    if not pid:
        backend.send(event("child"))
        os._exit(0 if backend.flush(10) else 1)
    backend.send(event("parent"))
    assert backend.flush(5)
    assert os.waitpid(pid, 0)[1] == 0
    close(backend)
    assert sorted(document["name"] for document in stored(server)) == ["before", "child", "parent"]


def test_the_collection_has_what_was_sent_before(
    server: MongoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However slow MongoDB is: who asks for it counts, or drops it, and nothing comes in after that."""
    run = server.store.run

    def slowly(name: str, command: dict[str, Any]) -> dict[str, Any]:
        if name == "insert":
            time.sleep(0.4)
        return run(name, command)

    monkeypatch.setattr(server.store, "run", slowly)
    backend = backend_for(server)
    for number in range(4_000):
        backend.send(event(n=number))
    assert backend.collection.count_documents({}) == 4_000
    backend.send(event(n=4_000))
    backend.connection.drop_database("eventtracking")
    assert backend.flush(5)
    close(backend)
    assert stored(server) == []


def test_the_collection_of_a_server_that_is_away() -> None:
    """It is handed out at once, and fails itself as soon as somebody uses it."""
    with mongo_server() as server:
        port = server.port
    options = {"serverSelectionTimeoutMS": 200}
    backend = MongoBackend(host="127.0.0.1", port=port, extra=options, exit_timeout_s=0.1)
    backend.send(event())
    started = time.monotonic()
    assert backend.collection.name == "events"
    assert time.monotonic() - started < mongodb.SETTLE_S / 2
    close(backend)


def test_with_the_client_replaced() -> None:
    """Tests of applications replace `MongoClient` and look at what the collection was asked to do."""
    with patch("trackside.backends.mongodb.MongoClient") as client:
        backend = MongoBackend(user=sentinel.user, password=sentinel.password)
        backend.send({"a": 1})
        backend.send({"b": 2})
        collection = backend.collection
        assert isinstance(collection, MagicMock)
        assert backend.connection is backend.database.client
        assert [call.args for call in collection.insert_one.mock_calls] == [({"a": 1},), ({"b": 2},)]
        backend.database.authenticate.assert_called_once_with(sentinel.user, sentinel.password)
        assert client.call_args.kwargs["tz_aware"] is True
        collection.insert_one.side_effect = PyMongoError
        backend.send({"c": 3})
        assert backend.flush(5)
    assert catalogue.BACKEND_DROPPED.value("mongodb", "refused") == 1


def test_without_pymongo(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setattr(mongodb, "MongoClient", None)
    with pytest.raises(ConfigurationError, match=r"trackside\[mongo\]"):
        MongoBackend()


def test_a_real_server() -> None:
    """What MongoDB itself makes of it, where somebody runs one; nothing requires it, as Debian has no package of it."""
    url = os.environ.get("TRACKSIDE_TEST_MONGODB", "mongodb://127.0.0.1:27017")
    client: MongoClient[dict[str, Any]] = MongoClient(url, serverSelectionTimeoutMS=200)
    try:
        client.admin.command("ping")
    except PyMongoError:
        client.close()
        pytest.skip("MongoDB is missing and not in Debian; the server of these tests stands in for it")
    name = f"trackside_{uuid4().hex}"
    backend = MongoBackend(host=url, database=name)
    try:
        for number in range(100):
            backend.send(event(n=number))
        assert backend.flush(10)
        assert client[name]["events"].count_documents({}) == 100
    finally:
        client.drop_database(name)
        client.close()
        close(backend)
