"""The URL of a database. No message has it, or a part of it but its beginning: it holds the password."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from trackside.destinations.sql.names import parts_of
from trackside.destinations.sql.settings import SqlSettings
from trackside.errors import ConfigurationError

Kind = Literal["postgresql", "mysql", "sqlite"]
KINDS: Final[dict[str, Kind]] = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
}
MYSQL_OPTIONS: Final = frozenset({"ssl_ca", "ssl_cert", "ssl_key", "unix_socket"})
_WANT: Final = "want postgresql://user:password@host/database, mysql://… or sqlite:///events.db"
_PORTS: Final = {"postgresql": 5432, "mysql": 3306}


def kind_of(settings: SqlSettings) -> Kind:
    """Return which database it is. Raises ConfigurationError."""
    scheme, colon, _ = settings.url.partition("://")
    kind = KINDS.get(scheme) if colon else None
    if kind is None:
        raise ConfigurationError(f"url is of no database that is known here; {_WANT}")
    return kind


def split(settings: SqlSettings) -> SplitResult:
    """Return the parts of the URL. Raises ConfigurationError."""
    try:
        parts = urlsplit(settings.url)
        _ = parts.port
    except ValueError:
        raise ConfigurationError(
            f"url cannot be read; {_WANT}"
        ) from None  # its message holds parts of the URL
    return parts


def options(settings: SqlSettings) -> dict[str, str]:
    """Return what stands behind the question mark. Raises ConfigurationError for what means nothing in MySQL."""
    found = dict(parse_qsl(split(settings).query))
    if kind_of(settings) == "mysql" and (unknown := sorted(found.keys() - MYSQL_OPTIONS)):
        raise ConfigurationError(f"url has the option {unknown[0]}; want {', '.join(sorted(MYSQL_OPTIONS))}")
    return found


def database_of(settings: SqlSettings) -> str:
    """Return the name of the database. Raises ConfigurationError."""
    name = unquote(split(settings).path[1:])
    if not name:
        raise ConfigurationError(f"url names no database; {_WANT}")
    return name


def sqlite_path(settings: SqlSettings, data_dir: Path) -> Path:
    """Return the file of `sqlite:///events.db` or `sqlite:////var/lib/events.db`. Raises ConfigurationError."""
    parts = split(settings)
    name = unquote(parts.path[1:])
    if parts.netloc or parts.query or not name or name.startswith(":") or "\0" in name:
        raise ConfigurationError(
            "url names no file; want sqlite:///events.db or sqlite:////var/lib/events.db"
        )
    return data_dir / name


def identity(settings: SqlSettings, data_dir: Path) -> tuple[str, ...]:
    """Return what two destinations with the same table have in common. Raises ConfigurationError."""
    kind = kind_of(settings)
    if kind == "sqlite":
        return (kind, str(sqlite_path(settings, data_dir).resolve()), settings.table)
    parts = split(settings)
    place = options(settings).get("unix_socket", parts.hostname or "localhost")
    return (kind, place, str(parts.port or _PORTS[kind]), database_of(settings), settings.table)


def missing_driver(settings: SqlSettings) -> str | None:
    """Return what has to be installed for this database, as a sentence; None where all is there."""
    match kind_of(settings):
        case "postgresql" if find_spec("psycopg") is None:
            return "url is of PostgreSQL, and psycopg is not installed; pip install 'trackside[postgres]'"
        case "mysql" if find_spec("MySQLdb") is None and find_spec("pymysql") is None:
            return "url is of MySQL, and mysqlclient is not installed; pip install 'trackside[mysql]'"
        case _:
            return None


def problems(settings: SqlSettings, data_dir: Path) -> Iterator[str]:
    """Return one sentence for each thing that is wrong; it begins with the setting's name. Nobody is asked."""
    try:
        parts_of(settings.table)
    except ConfigurationError as error:
        yield str(error)
    try:
        identity(settings, data_dir)
        if reason := missing_driver(settings):
            yield reason
    except ConfigurationError as error:
        yield str(error)
