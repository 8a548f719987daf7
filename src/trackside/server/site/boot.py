"""Starts the Django project: settings, migrations, the administrator's account."""

import asyncio
import fcntl
import os
import threading
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from trackside.config.settings import Config
from trackside.server.asgi import Application, Receive, Scope, Send, respond
from trackside.server.site.databases import VARIABLE, database_of


def set_environment(config: Config) -> None:
    """Give Django's settings module what it reads; before Django is imported. Raises ConfigurationError."""
    hosts = ["localhost", "127.0.0.1", "[::1]", config.host, *config.allowed_hosts]
    if config.public_url:
        hosts.append(urlsplit(config.public_url).hostname or "")
    os.environ["DJANGO_SETTINGS_MODULE"] = "trackside.server.site.settings"
    os.environ["TRACKSIDE_DATA_DIR"] = str(Path(config.data_dir).resolve())
    os.environ["TRACKSIDE_ALLOWED_HOSTS"] = ",".join(dict.fromkeys(host for host in hosts if host))
    os.environ["TRACKSIDE_PUBLIC_URL"] = config.public_url
    os.environ[VARIABLE] = config.webhooks.database
    if config.webhooks.database:
        database_of(config.webhooks.database)  # what cannot be used is told before the port opens


_booting = threading.Lock()
_booted: Application | None = None


def boot() -> Application:
    """Return the Django project as an ASGI application, its database made or brought up to date.

    It is done once in a process, whoever asks first; where it failed, it is tried again.
    """
    global _booted  # noqa: PLW0603  # so is Django's own state
    with _booting:
        _booted = _booted or _boot()
        return _booted


def _boot() -> Application:
    import django

    django.setup(set_prefix=False)

    from django.contrib.auth import get_user_model
    from django.core.handlers.asgi import ASGIHandler
    from django.core.management import call_command
    from django.db import connection, connections

    from trackside.console.views import ADMIN_NAME

    database = Path(str(connection.settings_dict["NAME"]))
    lock_path = database.with_name("site.lock")
    lock_path.touch(mode=0o600)
    with lock_path.open("wb") as lock:  # several processes start at once; one migrates
        fcntl.flock(lock, fcntl.LOCK_EX)
        call_command("migrate", interactive=False, verbosity=0)
        database.chmod(0o600)
        users = get_user_model().objects
        if not users.filter(username=ADMIN_NAME).exists():
            # No password: the login link lets the administrator in, who may set one in the admin.
            users.create_superuser(ADMIN_NAME, email=None, password=None)
    connections.close_all()
    return cast("Application", ASGIHandler())


class Gate:
    """The Django project as an ASGI application that may still be starting: requests wait for it."""

    def __init__(self) -> None:
        self._starting: asyncio.Task[Application] | None = None

    def start(self, *, after: asyncio.Event) -> None:
        """Start the project in a thread once `after` is set; collecting goes on meanwhile.

        It is half of what a server has to import: it must not keep those waiting who send events.
        """
        self._starting = asyncio.create_task(self._start(after))

    async def _start(self, after: asyncio.Event) -> Application:
        await after.wait()
        return await asyncio.to_thread(boot)

    async def started(self) -> None:
        """Return once the project stands; raises what kept it from starting."""
        if self._starting is not None:
            await asyncio.shield(self._starting)

    def problem(self) -> str | None:
        """Return why the project does not stand, or None where it does."""
        starting = self._starting
        if starting is None or not starting.done():
            return "it is starting"
        if starting.cancelled() or starting.exception() is not None:
            return "it could not start; the server's log says why"
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request to the project, once it stands."""
        application = await self._application()
        if application is None:
            content = b"The console could not start; the server's log says why.\n"
            await respond(send, 503, content, content_type=b"text/plain; charset=utf-8")
            return
        await application(scope, receive, send)

    async def _application(self) -> Application | None:
        if self._starting is None:
            return None
        try:
            return await asyncio.shield(self._starting)
        except Exception:  # noqa: BLE001  # reported once, by whoever awaits `started`
            return None
