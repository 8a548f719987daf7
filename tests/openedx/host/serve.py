"""Serves the platform's pages until the input ends; the first line printed is the address.

There is a superuser, and what openedx-webhooks left is imported.
"""

import contextlib
import socketserver
import sys
import threading
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django


class _Threading(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent."""


def main() -> None:
    """Serve."""
    django.setup()
    from django.contrib.auth.models import User
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application

    from tests.openedx.host import points
    from tests.openedx.host.old_tables import OldTables

    points.declare()
    call_command("migrate", verbosity=0)
    User.objects.create_superuser("root", password="root")
    old = OldTables("default")
    old.make()
    old.webhook(1, "COURSE_CREATED", "https://8.8.8.8/in")
    old.webfilter(1, "StudentLoginRequested", "https://8.8.8.8/ask")
    with contextlib.redirect_stdout(sys.stderr):
        call_command("trackside", "import-openedx-webhooks", "--apply")
    application = StaticFilesHandler(get_wsgi_application())
    server = make_server("127.0.0.1", 0, application, _Threading, _Silent)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    main()
