"""Where the webhooks of the server's own project are: in its database, or in the one of a site that it delivers for."""

from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from trackside.errors import ConfigurationError

ALIAS: Final = "webhooks"
VARIABLE: Final = "TRACKSIDE_WEBHOOKS_DATABASE"
"""What the project's settings read; it is also what an operator may set in place of `webhooks.database`."""

_ENGINES: Final = {
    "mysql": "django.db.backends.mysql",
    "postgresql": "django.db.backends.postgresql",
    "sqlite": "django.db.backends.sqlite3",
}
_DRIVERS: Final = {"mysql": ("MySQLdb", "mysql"), "postgresql": ("psycopg", "postgres")}
"""Kind → the driver's module, and our extra that brings it."""
_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "mysql": {"charset": "utf8mb4", "connect_timeout": 5},
    "postgresql": {"connect_timeout": 5},
    "sqlite": {"transaction_mode": "IMMEDIATE"},
}
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
        "OPTIONS": _OPTIONS[kind],
    }


class WebhookRouter:
    """Takes webhooks from the database of the site, whose own migrations make their table; all else stays here."""

    def db_for_read(self, model: Any, **_: Any) -> str | None:
        """Return where webhooks are; None for whatever else."""
        return ALIAS if model._meta.label_lower == "trackside.webhook" else None  # noqa: SLF001  # Django's own word

    db_for_write = db_for_read

    def allow_migrate(self, db: str, *_: Any, **__: Any) -> bool | None:
        """Return False for the site's database, and no opinion on the others."""
        return False if db == ALIAS else None
