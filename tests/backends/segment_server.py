"""A place that takes Segment's batches and remembers them."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, str]]


class Recorder(ThreadingHTTPServer):
    """Answers each POST as `answer` says, where that is 0 by nothing; keeps what it answered one of `takes`."""

    daemon_threads = True

    def __init__(self, answer: Callable[[dict[str, Any]], Answer]) -> None:
        self.answer = answer
        self.takes = {200}
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.taken: list[dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:  # the base class's name
        server = self.server
        assert isinstance(server, Recorder)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        batch = json.loads(body)
        server.headers.append(dict(self.headers))
        server.requests.append(batch)
        status, headers = server.answer(batch)
        if not status:
            self.close_connection = True
            return
        if status in server.takes:
            server.taken += batch["batch"]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        text = json.dumps({"success": status == 200}).encode()
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def recorder(answer: Callable[[dict[str, Any]], Answer] = lambda _: (200, {})) -> Iterator[Recorder]:
    """Run one while the block runs."""
    server = Recorder(answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
