"""Where the webhooks of the server's own project are: in its database, or in the one of a site that it delivers for."""

from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from trackside.errors import ConfigurationError

ALIAS: Final = "webhooks"
CONNECT_S: Final = 5
ANSWER_S: Final = 10
"""So long an answer is waited for: who asks for webhooks also looks after all other destinations."""
VARIABLE: Final = "TRACKSIDE_WEBHOOKS_DATABASE"
"""What the project's settings read; it is also what an operator may set in place of `webhooks.database`."""

_ENGINES: Final = {
    "mysql": "django.db.backends.mysql",
    "postgresql": "django.db.backends.postgresql",
    "sqlite": "django.db.backends.sqlite3",
}
_DRIVERS: Final = {"mysql": ("MySQLdb", "mysql"), "postgresql": ("psycopg", "postgres")}
"""Kind → the driver's module, and our extra that brings it."""
_WANTED: Final = "want mysql://USER:PASSWORD@HOST:PORT/NAME, postgresql://… or sqlite:///FILE"


def database_of(url: str) -> dict[str, Any]:
    """Return an entry of Django's DATABASES. Raises ConfigurationError, in which the URL does not appear."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigurationError(f"webhooks.database cannot be read; {_WANTED}") from None
    kind = parts.scheme
    name = unquote(parts.path.removeprefix("/"))
    if kind not in _ENGINES or not name or bool(parts.hostname) == (kind == "sqlite"):
        raise ConfigurationError(f"webhooks.database is no URL of a database; {_WANTED}")
    if parts.query or parts.fragment:  # ?sslmode=require must not be thought to be heeded
        raise ConfigurationError(f"webhooks.database has something behind the database's name; {_WANTED}")
    module, extra = _DRIVERS.get(kind, ("sqlite3", ""))
    if find_spec(module) is None:
        raise ConfigurationError(
            f"webhooks.database is of a kind that needs {module}; install it: pip install 'trackside[{extra}]'"
        )
    return {
        "ENGINE": _ENGINES[kind],
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(port or ""),
        "OPTIONS": _options(kind),
    }


def _options(kind: str) -> dict[str, Any]:
    match kind:
        case "mysql":
            times = {"connect_timeout": CONNECT_S, "read_timeout": ANSWER_S, "write_timeout": ANSWER_S}
            return {"charset": "utf8mb4", **times}
        case "postgresql":
            # statement_timeout would have to go by `options`, which poolers between may refuse
            times = {"keepalives_idle": 5, "keepalives_interval": 5, "keepalives_count": 2}
            return {"connect_timeout": CONNECT_S, "tcp_user_timeout": ANSWER_S * 1_000, **times}
        case _:
            return {"transaction_mode": "IMMEDIATE"}


class WebhookRouter:
    """Takes webhooks from the database of the site, whose own migrations make their table; all else stays here."""

    def db_for_read(self, model: Any, **_: Any) -> str | None:
        """Return where webhooks are; None for whatever else."""
        return ALIAS if model._meta.label_lower == "trackside.webhook" else None  # noqa: SLF001  # Django's own word

    db_for_write = db_for_read

    def allow_migrate(self, db: str, *_: Any, **__: Any) -> bool | None:
        """Return False for the site's database, and no opinion on the others."""
        return False if db == ALIAS else None
