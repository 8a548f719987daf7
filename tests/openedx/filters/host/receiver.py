"""A receiver of webfilters' questions: a real HTTP server, whose answers are set by whoever asks."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """Listens at `url`; keeps every body, and answers `answer`: an object, or bytes, with `status`."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self.raw: list[bytes] = []
        self.answer: Any = {}
        self.status = 200
        self.url = ""
        self.nowhere = ""
        """Where nobody listens."""

    def says(self, answer: Any, status: int = 200) -> None:
        """Answer this from now on, and forget what was asked."""
        self.answer, self.status = answer, status
        self.bodies.clear()
        self.raw.clear()


@contextmanager
def listening() -> Iterator[Receiver]:
    """Listen while the block runs."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.raw.append(body)
            receiver.bodies.append(
                json.loads(body) if self.headers["Content-Type"] == "application/json" else body.decode()
            )
            said = (
                receiver.answer
                if isinstance(receiver.answer, bytes)
                else json.dumps(receiver.answer).encode()
            )
            self.send_response(receiver.status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name there
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/ask"
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        receiver.nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
