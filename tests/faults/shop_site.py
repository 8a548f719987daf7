"""A Django project that sells: each sale is a row, and an event of the same transaction.

python -m tests.faults.shop_site FOLDER prepare
python -m tests.faults.shop_site FOLDER sell NAME…         each in a transaction of its own
python -m tests.faults.shop_site FOLDER sell-and-die NAME  killed after the commit, before anything else
python -m tests.faults.shop_site FOLDER relay
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction

import django
from trackside import tracker


def set_up(folder: Path) -> None:
    """Make the project ready; its log is in the same folder as a server's."""
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "shop.sqlite3")}},
        INSTALLED_APPS=["trackside.django"],
        TRACKSIDE={"data_dir": str(folder / "data"), "outbox": {"relay": "inline"}},
        USE_TZ=True,
    )
    django.setup()


def prepare() -> None:
    """Make the tables."""
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE item (name TEXT)")


def sell(names: list[str]) -> None:
    """Write a row for each name, and emit its event if and only if it commits."""
    for name in names:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("INSERT INTO item (name) VALUES (%s)", [name])
            tracker.emit(name, {"item": name}, on_commit=True)


def die_after_the_commit() -> None:
    """End the process at the moment when the first row of the outbox would be moved."""
    from trackside.django.outbox import relay

    def die(*_: Any, **__: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    relay.Relay.step = die  # type: ignore[assignment,method-assign]


def main(folder: str, verb: str, *names: str) -> None:
    """Run one verb."""
    set_up(Path(folder))
    match verb:
        case "prepare":
            prepare()
        case "sell":
            sell(list(names))
        case "sell-and-die":
            die_after_the_commit()
            sell(list(names))
        case "relay":
            call_command("trackside", "relay", "--once")


if __name__ == "__main__":
    main(*sys.argv[1:])
