"""What the MongoDB server of the tests keeps, and the commands that read and change it.

A filter compares fields for equality and a pipeline counts; whatever asks for more is refused, never half obeyed.
Source: the reference of MongoDB's database commands, 7.0.
"""

import threading
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

Document = dict[str, Any]
Answer = dict[str, Any]

_COUNT = {"_id": 1, "n": {"$sum": 1}}
_ABOUT_THE_CALL = frozenset({"$db", "$readPreference", "$clusterTime", "lsid", "batchSize", "comment"})
_BAD_VALUE, _COMMAND_NOT_FOUND, _NOT_IMPLEMENTED = 2, 59, 238


class RefusedError(Exception):
    """The command is answered with this error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.answer: Answer = {"ok": 0, "code": code, "errmsg": message}


class Store:
    """Collections by their name with the database, and the indexes that were asked for."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[Any, Document]] = {}
        self.indexes: list[Document] = []
        self._one_at_a_time = threading.Lock()
        self._commands: dict[str, Callable[[Document], Answer]] = {
            "ping": lambda _: {"ok": 1},
            "endSessions": lambda _: {"ok": 1},
            "insert": self._insert,
            "createIndexes": self._create_indexes,
            "find": self._find,
            "aggregate": self._aggregate,
            "drop": self._drop,
            "dropDatabase": self._drop_database,
            "fsync": self._fsync,
        }

    def run(self, name: str, command: Document) -> Answer:
        """Return the answer to the command, which may be an error."""
        run = self._commands.get(name)
        if run is None:
            return RefusedError(_COMMAND_NOT_FOUND, f"no such command: '{name}'").answer
        try:
            with self._one_at_a_time:
                return run(command)
        except RefusedError as error:
            return error.answer

    def _insert(self, command: Document) -> Answer:
        kept = self.documents.setdefault(_namespace(command, "insert"), {})
        errors = []
        for index, document in enumerate(command["documents"]):
            if document["_id"] in kept:
                errors.append({"index": index, "code": 11000, "errmsg": "duplicate key"})
            elif document.get("name") == "refused":
                errors.append({"index": index, "code": 121, "errmsg": "Document failed validation"})
            else:
                kept[document["_id"]] = document
        answer: Answer = {"ok": 1, "n": len(command["documents"]) - len(errors)}
        return {**answer, "writeErrors": errors} if errors else answer

    def _create_indexes(self, command: Document) -> Answer:
        self.indexes += [dict(index["key"]) for index in command["indexes"]]
        return {"ok": 1}

    def _find(self, command: Document) -> Answer:
        unknown = command.keys() - _ABOUT_THE_CALL - {"find", "filter", "skip", "limit", "singleBatch"}
        if unknown:
            raise RefusedError(_NOT_IMPLEMENTED, f"find with {', '.join(sorted(unknown))}")
        namespace = _namespace(command, "find")
        found = _matching(self.documents.get(namespace, {}).values(), command.get("filter", {}))
        start = command.get("skip", 0)
        end = start + command["limit"] if command.get("limit") else None
        return _cursor(namespace, list(islice(found, start, end)))

    def _aggregate(self, command: Document) -> Answer:
        namespace = _namespace(command, "aggregate")
        found = list(self.documents.get(namespace, {}).values())
        for stage in command["pipeline"]:
            match stage:
                case {"$match": wanted}:
                    found = list(_matching(found, wanted))
                case {"$skip": count}:
                    found = found[count:]
                case {"$limit": count}:
                    found = found[:count]
                case {"$group": group} if group == _COUNT:
                    found = [{"_id": 1, "n": len(found)}] if found else []
                case _:
                    raise RefusedError(_NOT_IMPLEMENTED, f"aggregate with {', '.join(stage)}")
        return _cursor(namespace, found)

    def _drop(self, command: Document) -> Answer:
        self.documents.pop(_namespace(command, "drop"), None)
        return {"ok": 1}

    def _drop_database(self, command: Document) -> Answer:
        for namespace in [name for name in self.documents if name.startswith(f"{command['$db']}.")]:
            del self.documents[namespace]
        return {"ok": 1, "dropped": command["$db"]}

    def _fsync(self, _: Document) -> Answer:
        # Memory has nothing to write out. A `lock` keeps nobody out: who asks for it here drops the database next
        # without unlocking, which a server that holds the lock never answers.
        return {"ok": 1}


def _namespace(command: Document, name: str) -> str:
    return f"{command['$db']}.{command[name]}"


def _cursor(namespace: str, documents: list[Document]) -> Answer:
    # everything in the first batch; a cursor of 0 says that nothing follows
    return {"ok": 1, "cursor": {"id": 0, "ns": namespace, "firstBatch": documents}}


def _matching(documents: Iterable[Document], wanted: Document) -> Iterable[Document]:
    for name, value in wanted.items():
        if name.startswith("$") or (isinstance(value, dict) and any(key.startswith("$") for key in value)):
            raise RefusedError(_BAD_VALUE, f"the filter of {name} is none for equality")
    return (each for each in documents if all(_equals(each, *field) for field in wanted.items()))


def _equals(document: Any, path: str, value: object) -> bool:
    for part in path.split("."):
        document = document.get(part) if isinstance(document, dict) else None
    return bool(document == value) or (isinstance(document, list) and value in document)
