"""A server, the real SDKs, a real browser."""

import functools
import hashlib
import http.server
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import RequireService, missing
from tests.e2e.running import RunningServer, start_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HERE = Path(__file__).parent
CLIENTS = HERE / "clients"
BROWSER_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # whatever a page asks of another host fails, and is still seen as a request
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """A fresh server; that it ends with 0 on SIGTERM is part of every test."""
    running = start_server(tmp_path / "data")
    yield running
    assert running.stop() == 0, running.output.read_text()


@pytest.fixture(scope="session")
def node_modules(require_service: RequireService) -> Path:
    """The pinned npm packages, installed once for each version of the lock file, outside of the tree."""
    require_service("node")
    npm = require_service("npm")
    lock = (CLIENTS / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trackside-e2e"
    folder = cache / hashlib.sha256(lock).hexdigest()[:16]
    if not folder.exists():
        partial = folder.with_suffix(f".{os.getpid()}")
        partial.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(CLIENTS / name, partial)
        command = [npm, "install", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"]
        result = subprocess.run(
            command, cwd=partial, capture_output=True, text=True, timeout=300, check=False
        )
        if result.returncode:
            missing(f"npm install of the SDKs ({result.stderr[:500]})")
        partial.rename(folder)
    return folder / "node_modules"


@pytest.fixture(scope="module")  # not longer: Playwright keeps an event loop running in this thread
def browser(require_service: RequireService) -> Iterator["Browser"]:
    """A headless Chromium that reaches this machine only."""
    chromium = require_service("chromium", "chromium-browser", "google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("the Python package playwright")
        raise
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, headless=True, args=BROWSER_FLAGS)
        yield launched
        launched.close()


class Site(http.server.SimpleHTTPRequestHandler):
    """Serves the pages with the server's address and key filled in, and the SDK under /sdk/."""

    def __init__(self, *args: object, server_under_test: RunningServer, sdk: Path, **kwargs: object) -> None:
        self.server_under_test = server_under_test
        self.sdk = sdk
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # handed on as they came

    def do_GET(self) -> None:
        """Answer with a page, or with a file of the SDK."""
        folder, _, name = self.path.partition("?")[0].strip("/").rpartition("/")
        path = (self.sdk if folder == "sdk" else HERE / "site") / name
        if not path.is_file():
            self.send_error(404)
            return
        content = path.read_bytes()
        if path.suffix == ".html":
            content = content.replace(b"{{url}}", self.server_under_test.url.encode())
            content = content.replace(b"{{write_key}}", self.server_under_test.write_key.encode())
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if path.suffix == ".html" else "text/javascript")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        """Stay silent."""


@pytest.fixture
def site(server: RunningServer, node_modules: Path) -> Iterator[str]:
    """The address of a web site on another origin (another host name and port) than the server's."""
    sdk = node_modules / "@segment" / "analytics-next" / "dist" / "umd"
    handler = functools.partial(Site, server_under_test=server, sdk=sdk)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        yield f"http://localhost:{httpd.server_port}"
        httpd.shutdown()
        thread.join()
