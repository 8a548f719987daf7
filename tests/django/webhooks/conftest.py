"""Rows of webhooks on the test database, a log beside them, and an endpoint on this machine."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from trackside.config.settings import Config, WebhookRowSettings
from trackside.destinations.webhook import WebhookSettings
from trackside.django.webhooks import surroundings
from trackside.django.webhooks.surroundings import Surroundings
from trackside.log.memory import MemoryLog

FILE_SECRET = "whsec_" + "RmlsZVNlY3JldEZpbGVTZWNyZXRGaWxlU2VjcmV0"


@pytest.fixture
def log() -> Iterator[MemoryLog]:
    made = MemoryLog()
    yield made
    made.close()


@pytest.fixture
def around(tmp_path: Path, log: MemoryLog) -> Iterator[Surroundings]:
    """A server's configuration with one webhook in its file, and private networks allowed to rows."""
    declared = WebhookSettings(url="https://declared.example.org/in", secret=FILE_SECRET)
    config = Config(
        data_dir=str(tmp_path),
        webhooks=WebhookRowSettings(allow_private_networks=True),
        destinations={"declared": declared},
    )
    made = Surroundings(config=config, log=log)
    surroundings.show(made)
    yield made
    surroundings.show(None)


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root")


@pytest.fixture
def pages(root: User) -> Client:
    """The admin as a superuser sees it."""
    client = Client(headers={"host": "localhost"})
    client.force_login(root)
    return client


def staff(*permissions: str) -> User:
    """Return a member of staff with these permissions."""
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


class Endpoint(http.server.ThreadingHTTPServer):
    """Answers every POST as it is told, and keeps what came."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.reply = b"thank you"
        self.requests: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}/in"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append(({k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.reply)))
        self.end_headers()
        self.wfile.write(self.server.reply)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Stay silent."""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
