"""A server that delivers the webhooks of another site: they are rows of that site's database."""

import json
import os
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import ConnectionHandler, Error, OperationalError
from pytest_django import DjangoDbBlocker
from pytest_django import Settings as DjangoSettings

from tests.conftest import missing
from tests.django.outbox.databases import ALIAS as SITE
from tests.django.outbox.databases import empty, registered, use_pymysql
from tests.django.webhooks.conftest import Endpoint, endpoint
from tests.e2e.running import eventually, start_server
from trackside.config.settings import Config, WebhookRowSettings
from trackside.django.webhooks import actions, surroundings
from trackside.errors import ConfigurationError
from trackside.server.site.databases import ALIAS, WebhookRouter, database_of

__all__ = ["endpoint"]

KEY = "a key that both have"


class SiteRouter(WebhookRouter):
    """In this process the site's database has another alias."""

    def db_for_read(self, model: object, **_: object) -> str | None:
        """Return it for webhooks."""
        return SITE if super().db_for_read(model) else None

    db_for_write = db_for_read


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        (
            "mysql://open:p%40ss%2F@db.example.org:3307/openedx",
            ("mysql", "openedx", "open", "p@ss/", "db.example.org", "3307"),
        ),
        ("postgresql://lms@[::1]/lms", ("postgresql", "lms", "lms", "", "::1", "")),
        ("sqlite:////srv/site.db", ("sqlite3", "/srv/site.db", "", "", "", "")),
    ],
)
def test_urls(url: str, wanted: tuple[str, ...]) -> None:
    """Users and passwords may have any character, quoted."""
    use_pymysql()
    made = database_of(url)
    assert made["ENGINE"] == f"django.db.backends.{wanted[0]}"
    assert tuple(made[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")) == wanted[1:]


@pytest.mark.parametrize(
    "url",
    [
        "s3cret",
        "oracle://u:s3cret@h/x",
        "mysql://u:s3cret@h",
        "mysql:///s3cret",
        "mysql://u:s3cret@h:port/x",
        "sqlite://host/s3cret",
        "mysql://u:s3cret@[::1/x",
        "postgresql://u:s3cret@h/x?sslmode=require",
    ],
)
def test_urls_that_are_none(url: str) -> None:
    """The sentence says what is wanted, and nothing of the URL."""
    with pytest.raises(ConfigurationError, match="want mysql://USER:PASSWORD@HOST:PORT/NAME") as raised:
        database_of(url)
    assert "s3cret" not in str(raised.value)


def test_a_driver_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says what to install."""
    monkeypatch.setattr("trackside.server.site.databases.find_spec", lambda name: None)
    with pytest.raises(
        ConfigurationError, match=r"needs psycopg; install it: pip install 'trackside\[postgres\]'"
    ):
        database_of("postgresql://h/x")


def test_nothing_is_migrated_there() -> None:
    """The site's own migrations make the table; of the others the router has no opinion."""
    router = WebhookRouter()
    assert (router.allow_migrate(ALIAS, "trackside"), router.allow_migrate("default", "trackside")) == (
        False,
        None,
    )


@pytest.fixture
def site(
    tmp_path: Path, settings: DjangoSettings, django_db_blocker: DjangoDbBlocker, endpoint: Endpoint
) -> Iterator[str]:
    """The URL of a database on MariaDB, in which a site has made a webhook to `endpoint`."""
    with django_db_blocker.unblock(), ExitStack() as stack:
        try:
            made = stack.enter_context(empty("mysql", tmp_path))
            stack.enter_context(registered(made))
            connections[SITE].ensure_connection()
        except (Error, ImportError) as error:
            missing(f"MariaDB ({error})")
        executor = MigrationExecutor(connections[SITE])
        executor.migrate(executor.loader.graph.leaf_nodes("trackside"))
        settings.DATABASE_ROUTERS = [f"{__name__}.SiteRouter"]
        rows = WebhookRowSettings(encryption_keys=(KEY,), allow_private_networks=True)
        surroundings.show(surroundings.Surroundings(config=Config(data_dir=str(tmp_path), webhooks=rows)))
        try:
            actions.create({"name": "crm", "url": endpoint.url, "headers": {"X-Site": "its own"}}, by="site")
            with a_user_of(made["NAME"]) as user:
                yield f"mysql://{user}@{made['HOST']}:{made['PORT']}/{made['NAME']}"
        finally:
            surroundings.show(None)


@contextmanager
def a_user_of(name: str) -> Iterator[str]:
    """Give the name and the quoted password of a user with the rights that the documentation says are enough."""
    with connections[SITE].cursor() as cursor:
        cursor.execute(f"CREATE USER '{name}'@'%%' IDENTIFIED BY %s", ["p@ss/word"])
        try:
            cursor.execute(f"GRANT SELECT, INSERT, UPDATE ON {name}.trackside_webhook TO '{name}'@'%'")
            yield f"{name}:{quote('p@ss/word', safe='')}"
        finally:
            cursor.execute(f"DROP USER '{name}'@'%'")


def test_a_table_that_is_locked_holds_up_nobody(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is while a migration of the site waits for somebody's transaction: deliveries, upkeep and a stop go on."""
    monkeypatch.setattr("trackside.server.site.databases.ANSWER_S", 1)
    ours = ConnectionHandler({"default": database_of(site)})["default"]
    began_s = time.monotonic()
    with connections[SITE].cursor() as theirs:
        theirs.execute("LOCK TABLES trackside_webhook WRITE")
        try:
            with pytest.raises(OperationalError), ours.cursor() as cursor:
                cursor.execute("SELECT COUNT(*) FROM trackside_webhook")
        finally:
            theirs.execute("UNLOCK TABLES")
            ours.close()
    assert time.monotonic() - began_s < 20


@pytest.mark.e2e
def test_a_webhook_of_the_sites_database_is_delivered(
    site: str, tmp_path: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its secrets, while the server keeps its own accounts in its own database."""
    drivers = tmp_path / "drivers"
    drivers.mkdir()
    # what the extra `mysql` brings has to be compiled; this driver has not
    (drivers / "MySQLdb.py").write_text("import pymysql\npymysql.install_as_MySQLdb()\n")
    path = os.pathsep.join(filter(None, [str(drivers), os.environ.get("PYTHONPATH")]))
    monkeypatch.setenv("PYTHONPATH", path)
    data_dir = tmp_path / "server"
    data_dir.mkdir(mode=0o700)
    (data_dir / "trackside.toml").write_text(
        '[sources.web]\nkind = "segment"\nwrite_key = "k"\n'
        f'[webhooks]\ndatabase = "{site}"\nencryption_keys = ["{KEY}"]\nallow_private_networks = true\n'
    )
    server = start_server(data_dir)
    try:
        assert eventually(lambda: "crm" in json.loads(server.trackside("status", "--json"))["destinations"])
        body = json.dumps({"userId": "7", "event": "Lesson Opened", "writeKey": "k"}).encode()
        request = urllib.request.Request(f"{server.url}/v1/track", body, {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).close()
        assert eventually(lambda: bool(endpoint.requests))
    finally:
        assert server.stop() == 0
    assert endpoint.requests[0][0]["x-site"] == "its own"
    assert (data_dir / "site.db").exists()
