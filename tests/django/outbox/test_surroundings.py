"""The outbox where applications run: requests, asynchronous code, processes that fork and end."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.core.handlers.base import BaseHandler
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse

from tests.django.outbox.databases import ALIAS, Settings
from tests.django.outbox.shop import Shop
from trackside import tracker
from trackside.backends.log import LogBackend
from trackside.tracker import TRACKERS, Tracker

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("fails", [False, True])
def test_atomic_requests(shop: Shop, monkeypatch: pytest.MonkeyPatch, fails: bool) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        shop.sell("apple")
        if fails:
            raise ValueError
        return HttpResponse()

    monkeypatch.setitem(connections[ALIAS].settings_dict, "ATOMIC_REQUESTS", True)
    wrapped = BaseHandler().make_view_atomic(view)
    if fails:
        with pytest.raises(ValueError):  # noqa: PT011
            wrapped(HttpRequest())
    else:
        wrapped(HttpRequest())
    assert shop.logged() == shop.sold() == ([] if fails else ["apple"])


def test_asynchronous_code(shop: Shop) -> None:
    """What has the transaction is synchronous; beside it, there is none."""

    def sell() -> None:
        try:
            with transaction.atomic(ALIAS):
                shop.sell("apple")
                tracker.emit("pear", on_commit=True)
        finally:
            connections[ALIAS].close()
            del connections[ALIAS]  # the thread stays, for tests with other databases

    async def serve() -> None:
        await sync_to_async(sell)()
        tracker.emit("at once", on_commit=True)

    asyncio.run(serve())
    assert shop.logged() == ["apple", "pear", "at once"]
    assert shop.sold() == ["apple"]


@pytest.mark.slow
def test_a_process_that_forks_and_ends_leaves_nothing_behind(
    database: Settings, shop: Shop, tmp_path: Path
) -> None:
    given = json.dumps({"database": database, "folder": str(tmp_path)})
    command = [sys.executable, "-m", "tests.django.outbox.ending_process", given]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert shop.waiting() == 0
    log = LogBackend(tmp_path)
    TRACKERS["default"] = Tracker({"log": log})
    assert Counter(event.name for event in log.log.read(0).events) == Counter(shop.sold())
    assert len(shop.sold()) == 3
    log.log.close()
