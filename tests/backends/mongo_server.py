"""As much of MongoDB as its users here take, spoken over a socket to the real driver: a login, and a store's commands.

Source: MongoDB's wire protocol (OP_MSG, OP_QUERY for the first hello) and RFC 7677 (SCRAM-SHA-256).
"""

import base64
import hashlib
import hmac
import os
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bson

from tests.backends.mongo_store import Store

_OP_REPLY, _OP_QUERY, _OP_MSG = 1, 2004, 2013
_ITERATIONS = 4096


class MongoServer(socketserver.ThreadingTCPServer):
    """Keeps what is inserted in `documents`; with `login`, only after a login as that user."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int = 0, *, login: tuple[str, str] | None = None) -> None:
        self.login = login
        self.store = Store()
        self.documents = self.store.documents
        self.indexes = self.store.indexes
        self.commands: list[str] = []
        self.fail_inserts = 0
        """So many inserts are carried out, and then the connection is cut instead of answered."""
        self._connections: list[Any] = []
        super().__init__(("127.0.0.1", port), _Session)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])


class _Session(socketserver.StreamRequestHandler):
    server: MongoServer

    def handle(self) -> None:
        self.logged_in = self.server.login is None
        self.conversation: dict[str, Any] = {}
        while head := self.rfile.read(16):
            length, request_id, _, code = struct.unpack("<iiii", head)
            body = self.rfile.read(length - 16)
            command, wants_answer = _read_command(code, body)
            name = next(iter(command))
            self.server.commands.append(name)
            answer = self.answer(name, command)
            if answer is None:
                return
            if wants_answer:
                self._reply(code, request_id, answer)

    def answer(self, name: str, command: dict[str, Any]) -> dict[str, Any] | None:
        if name in {"hello", "isMaster", "ismaster"}:
            return _HELLO
        if name == "saslStart":
            return self._start_login(command)
        if name == "saslContinue":
            return self._finish_login(command)
        if not self.logged_in:
            return {
                "ok": 0,
                "code": 13,
                "codeName": "Unauthorized",
                "errmsg": f"{name} requires authentication",
            }
        answer = self.server.store.run(name, command)
        if name == "insert" and self.server.fail_inserts:
            self.server.fail_inserts -= 1
            return None
        return answer

    def _start_login(self, command: dict[str, Any]) -> dict[str, Any]:
        first = bytes(command["payload"]).decode().removeprefix("n,,")
        assert command["mechanism"] == "SCRAM-SHA-256"
        nonce = first.partition("r=")[2] + base64.b64encode(os.urandom(18)).decode()
        salt = os.urandom(16)
        answer = f"r={nonce},s={base64.b64encode(salt).decode()},i={_ITERATIONS}"
        self.conversation = {"db": command["$db"], "salt": salt, "messages": [first, answer]}
        return {"ok": 1, "conversationId": 1, "done": False, "payload": answer.encode()}

    def _finish_login(self, command: dict[str, Any]) -> dict[str, Any]:
        said = bytes(command["payload"]).decode()
        if not said:
            return {"ok": 1, "conversationId": 1, "done": True, "payload": b""}
        without_proof, _, proof = said.rpartition(",p=")
        user = self.conversation["messages"][0].split(",")[0].removeprefix("n=")
        password = self.server.login[1] if self.server.login else ""
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), self.conversation["salt"], _ITERATIONS)
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        message = ",".join([*self.conversation["messages"], without_proof]).encode()
        signature = hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256")
        wanted = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        if self.server.login is None or user != self.server.login[0] or base64.b64decode(proof) != wanted:
            return {
                "ok": 0,
                "code": 18,
                "codeName": "AuthenticationFailed",
                "errmsg": "Authentication failed.",
            }
        self.logged_in = True
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        verifier = base64.b64encode(hmac.digest(server_key, message, "sha256"))
        return {"ok": 1, "conversationId": 1, "done": True, "payload": b"v=" + verifier}

    def _reply(self, code: int, request_id: int, answer: dict[str, Any]) -> None:
        text = bson.encode(answer)
        if code == _OP_QUERY:
            body, reply_code = struct.pack("<iqii", 8, 0, 0, 1) + text, _OP_REPLY
        else:
            body, reply_code = struct.pack("<I", 0) + b"\0" + text, _OP_MSG
        self.wfile.write(struct.pack("<iiii", 16 + len(body), 0, request_id, reply_code) + body)


_HELLO = {
    "ok": 1,
    "ismaster": True,
    "helloOk": True,
    "isWritablePrimary": True,
    "maxBsonObjectSize": 16_777_216,
    "maxMessageSizeBytes": 48_000_000,
    "maxWriteBatchSize": 100_000,
    "minWireVersion": 0,
    "maxWireVersion": 21,
    "saslSupportedMechs": ["SCRAM-SHA-256"],
}


def _read_command(code: int, body: bytes) -> tuple[dict[str, Any], bool]:
    if code == _OP_QUERY:
        start = body.index(b"\0", 4) + 1 + 8
        return bson.decode(body[start:]), True
    (flags,) = struct.unpack_from("<I", body)
    command: dict[str, Any] = {}
    at = 4
    while at < len(body):
        kind, at = body[at], at + 1
        (length,) = struct.unpack_from("<i", body, at)
        section = body[at : at + length]
        at += length
        if kind == 0:
            command = {**bson.decode(section), **command}
        else:
            name, _, rest = section[4:].partition(b"\0")
            command[name.decode()] = bson.decode_all(rest)
    # the command's own name comes first
    ordered = sorted(command.items(), key=lambda item: item[0] == "documents")
    return dict(ordered), not flags & 2


@contextmanager
def mongo_server(port: int = 0, *, login: tuple[str, str] | None = None) -> Iterator[MongoServer]:
    """Run one while the block runs."""
    server = MongoServer(port, login=login)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
