"""Writes events into a MongoDB collection, each as a document of its own."""

import json
import os
import time
import weakref
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from trackside.backends.handover import QUEUE_BYTES, Delay, Handover
from trackside.emitted import Unencodable, encode_json, known_as_json
from trackside.errors import ConfigurationError
from trackside.sources.json_text import repair

try:
    import bson
    from bson.codec_options import CodecOptions, TypeRegistry
    from bson.errors import BSONError
    from pymongo import MongoClient
    from pymongo.collection import Collection
    from pymongo.errors import (
        AutoReconnect,
        BulkWriteError,
        DuplicateKeyError,
        OperationFailure,
        PyMongoError,
        WTimeoutError,
    )
except ImportError:
    MongoClient = None  # type: ignore[assignment,misc]

Document = dict[str, Any]
Entry = tuple[int, bytes]

FEW = 8
"""Up to so many events are inserted one by one; the answer to a large insert costs the same as to a small one."""
LARGEST_BYTES = 16_000_000
OVERHEAD_BYTES = 200
SETTLE_S = 30.0
"""Who asks for the collection wants to find in it what was sent, as with a backend that inserts while it is called."""
_LOOK_EACH_S = 0.1
_LONGEST_INTEGER = 19
"""Digits of which not all fit into 64 bits; such integers become text."""
_DUPLICATE_KEY = 11_000
_WRONG_LOGIN = frozenset({13, 18, 8000})
"""Unauthorized, AuthenticationFailed, Atlas's own: somebody corrects that without restarting us."""
_PATIENCE = {"serverSelectionTimeoutMS": 5_000, "connectTimeoutMS": 5_000, "socketTimeoutMS": 30_000}


class MongoBackend:
    """Inserts every event into one collection, from a thread of its own.

    `send` encodes the event and goes on; it connects to nothing. While MongoDB cannot be reached events wait, up to
    `queue_bytes`, and are inserted once each when it is back; what it refuses, and what does not fit any more,
    is counted under `trackside_backend_dropped_total`. Writes are acknowledged unless `extra` says `{"w": 0}`.
    """

    mutates = False

    def __init__(
        self,
        host: str = "localhost",
        port: int = 27017,
        user: str = "",
        password: str = "",
        database: str = "eventtracking",
        collection: str = "events",
        extra: Mapping[str, Any] | None = None,
        *,
        queue_bytes: int = QUEUE_BYTES,
        exit_timeout_s: float = 5.0,
    ) -> None:
        """`host` may be a `mongodb://` URL. `extra` goes to MongoClient. Raises ConfigurationError without pymongo.

        With `user` and `password` the login is one of `database`, unless `extra` has another `authSource`.
        """
        if MongoClient is None:
            raise ConfigurationError("the MongoDB backend needs pymongo; install trackside[mongo]")
        self._database_name, self._collection_name = database, collection
        self._login = (user, password) if user or password else None
        self._options = {"host": host, "port": port, "tz_aware": True, **_PATIENCE, **(extra or {})}
        if self._login is not None:
            self._options |= {"username": user, "password": password}
            self._options.setdefault("authSource", database)
        self._connected: tuple[Any, Any] | None = None
        self._indexed = False
        self._handover: Handover[Entry] = Handover(
            "mongodb",
            self._deliver,
            queue_bytes=queue_bytes,
            group_events=1_000,
            exit_timeout_s=exit_timeout_s,
            forked=self._disconnect,
        )
        disconnect = weakref.WeakMethod(self._disconnect)
        os.register_at_fork(after_in_child=lambda: (call := disconnect()) and call())

    def send(self, event: Mapping[str, Any]) -> None:
        """Hand the event over. Never waits for MongoDB, never raises for what an event holds."""
        try:
            text = _encoded(event)
        except Unencodable as error:
            self._handover.losses.add(1, "unencodable", str(error))
            return
        if len(text) > LARGEST_BYTES:
            self._handover.losses.add(1, "oversize", f"an event has {len(text)} bytes as BSON")
            return
        self._handover.put((len(text) + OVERHEAD_BYTES, text))

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Return True once MongoDB has every event sent before, or refused it; False after the timeout."""
        return self._handover.flush(timeout_s)

    @property
    def connection(self) -> Any:
        """The client, as pymongo has it, once what was sent before is in; see `collection`."""
        self._settle()
        return self._connection()[0].client

    @property
    def database(self) -> Any:
        """The database, as pymongo has it."""
        return self._connection()[0]

    @property
    def collection(self) -> Any:
        """The collection, as pymongo has it, with what was sent before in it.

        Waits for that up to half a minute, and not for a MongoDB that cannot be reached.
        """
        self._settle()
        return self._connection()[1]

    def _settle(self) -> None:
        deadline = time.monotonic() + SETTLE_S
        while not self.flush(_LOOK_EACH_S) and not self._handover.is_delayed:
            if time.monotonic() >= deadline:
                break

    def _connection(self) -> tuple[Any, Any]:
        if self._connected is None:
            database = MongoClient(**self._options)[self._database_name]
            if self._login is not None and not isinstance(database.authenticate, Collection):
                database.authenticate(*self._login)  # before pymongo 4 a database was logged in to
            self._connected = database, database[self._collection_name]
        return self._connected

    def _disconnect(self) -> None:
        self._connected = None  # a client does not survive a fork

    def _deliver(self, entries: Sequence[Entry]) -> Delay | None:
        return self._insert([bson.decode(text, _READING) for _, text in entries])

    def _insert(self, documents: list[Document]) -> Delay | None:
        """Insert the documents; a `Delay` with those that are not in yet where MongoDB cannot be reached."""
        try:
            collection = self._connection()[1]
            self._index(collection)
            if len(documents) > FEW:
                self._insert_together(collection, documents)
            else:
                while documents:
                    self._insert_one(collection, documents[0])
                    del documents[0]
        except (AutoReconnect, WTimeoutError) as error:
            return Delay(
                f"MongoDB cannot be reached: {type(error).__name__}", lambda: self._insert(documents)
            )
        except OperationFailure as error:
            if error.code in _WRONG_LOGIN:
                return Delay(f"MongoDB refuses the login: code {error.code}", lambda: self._insert(documents))
            self._refused(len(documents), error)
        except (PyMongoError, BSONError) as error:
            self._refused(len(documents), error)
        return None

    def _insert_one(self, collection: Any, document: Document) -> None:
        """Insert one; the driver gives it an `_id` before it is sent, by which a second attempt is recognised."""
        try:
            collection.insert_one(document)
        except DuplicateKeyError:
            pass
        except (AutoReconnect, WTimeoutError):
            raise
        except (PyMongoError, BSONError) as error:
            if isinstance(error, OperationFailure) and error.code in _WRONG_LOGIN:
                raise
            self._refused(1, error)

    def _insert_together(self, collection: Any, documents: list[Document]) -> None:
        try:
            collection.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            details = error.details or {}
            if details.get("writeConcernErrors"):
                raise AutoReconnect("the write was not acknowledged as wanted") from error
            errors = details.get("writeErrors", ())
            refused = sum(1 for each in errors if each.get("code") != _DUPLICATE_KEY)
            if refused:
                self._refused(refused, error)

    def _index(self, collection: Any) -> None:
        """Ask for the indexes once; a user who may only insert goes without them."""
        if self._indexed:
            return
        try:
            collection.create_index([("time", -1)])
            collection.create_index("name")
        except OperationFailure as error:
            if error.code == 18:  # not logged in at all
                raise
        self._indexed = True

    def _refused(self, events: int, error: Exception) -> None:
        self._handover.losses.add(events, "refused", f"MongoDB refuses them: {type(error).__name__}")


def _encoded(event: Mapping[str, Any]) -> bytes:
    """Return `event` as BSON. What BSON has no type for is written as in JSON. Raises Unencodable."""
    try:
        return bson.encode(event, codec_options=_WRITING)
    except (BSONError, ValueError, TypeError, OverflowError, RecursionError, Unencodable):
        pass  # keys that are no text, half characters, integers beyond 64 bits, or nothing to be written at all
    # BSON holds no halves of characters either
    document: Document = json.loads(repair(encode_json(event)), parse_int=_integer)
    if isinstance(event.get("timestamp"), datetime):
        document["timestamp"] = event["timestamp"]
    try:
        return bson.encode(document, codec_options=_WRITING)
    except (BSONError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise Unencodable(f"an event cannot be written as BSON: {type(error).__name__}") from None


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) < _LONGEST_INTEGER else digits


if MongoClient is not None:
    _WRITING: Any = CodecOptions(type_registry=TypeRegistry(fallback_encoder=known_as_json))
    _READING: Any = CodecOptions(tz_aware=True)
