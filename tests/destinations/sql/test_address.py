"""URLs and tables: what is wrong with them is said before anybody is asked, and without the password."""

from pathlib import Path
from unittest import mock

import pytest

from trackside.destinations.sql import SqlSettings, identity, problems

FOLDER = Path("/var/lib/trackside")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("oracle://u:hunter2@h/d", "url is of no database that is known here; want postgresql://"),
        ("hunter2", "url is of no database"),
        ("", "url is of no database"),
        ("postgresql://u:hunter2@h", "url names no database"),
        ("mysql://u:hunter2@h/", "url names no database"),
        ("mysql://u:hunter2@h/d?sslmode=require", "url has the option sslmode; want ssl_ca, ssl_cert"),
        ("mysql://u:hunter2@h:port/d", "url cannot be read"),
        ("postgresql://u:hunter2@[h/d", "url cannot be read"),
        ("sqlite://events.db", "url names no file; want sqlite:///events.db"),
        ("sqlite:///", "url names no file"),
        ("sqlite:///:memory:", "url names no file"),
    ],
)
def test_urls_that_are_none(url: str, told: str) -> None:
    (problem,) = problems(SqlSettings(url=url), FOLDER)
    assert problem.startswith(told)
    assert "hunter2" not in problem


@pytest.mark.parametrize("table", ["", ".", "a.", "a.b.c", "a\0b", "a\nb", "x" * 64])
def test_tables_that_are_none(table: str) -> None:
    (problem,) = problems(SqlSettings(url="sqlite:///a.db", table=table), FOLDER)
    assert problem.startswith("table is ")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("postgresql://a:x@h/d", "postgres://b:y@h:5432/d?sslmode=require"),
        ("mysql://a@h/d", "mariadb://b@H:3306/d"),
        ("sqlite:///a.db", "sqlite:////var/lib/trackside/x/../a.db"),
    ],
)
def test_the_same_table(one: str, other: str) -> None:
    """Whoever writes to it, and however it is spelled."""
    assert identity(SqlSettings(url=one), FOLDER) == identity(SqlSettings(url=other), FOLDER)
    assert identity(SqlSettings(url=one), FOLDER) != identity(SqlSettings(url=one, table="more"), FOLDER)


@pytest.mark.parametrize(
    ("url", "package"), [("postgresql://h/d", "trackside[postgres]"), ("mysql://h/d", "trackside[mysql]")]
)
def test_a_driver_that_is_not_installed(url: str, package: str) -> None:
    with mock.patch("trackside.destinations.sql.address.find_spec", return_value=None):
        (problem,) = problems(SqlSettings(url=url), FOLDER)
    assert package in problem
