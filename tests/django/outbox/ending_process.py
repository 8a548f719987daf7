"""Emits in a transaction, forks, emits in both processes, and ends; its argument is JSON."""

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections, transaction

import django
from tests.django.outbox.databases import ALIAS, complete, use_pymysql
from tests.django.outbox.killed_process import sell, use_tracker


def main(given: dict[str, Any]) -> None:
    """Leave as a process does that has nothing more to do; the child too."""
    use_pymysql()
    settings.configure(
        DATABASES={"default": {}, ALIAS: complete(given["database"])},
        INSTALLED_APPS=["trackside.django"],
        TRACKSIDE={"data_dir": given["folder"], "outbox": {"database": ALIAS, "relay": "thread"}},
        USE_TZ=True,
    )
    django.setup()
    use_tracker(Path(given["folder"]))
    with transaction.atomic(ALIAS):
        sell("before the fork")
    connections.close_all()
    # from Python 3.12 on a fork beside threads is warned of; that it works is what this program is for
    warnings.filterwarnings("ignore", ".*multi-threaded, use of fork", DeprecationWarning)
    child = os.fork()
    with transaction.atomic(ALIAS):
        sell(f"of the {'parent' if child else 'child'}")
    if child:
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
