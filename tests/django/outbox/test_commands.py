"""`manage.py trackside relay`"""

import json
import os
import signal
import threading
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from tests.django.outbox.databases import ALIAS
from tests.django.outbox.shop import Shop
from trackside.django.outbox import commands
from trackside.django.outbox.relay import Relay, Step


@pytest.fixture(autouse=True)
def _only_the_command_moves(settings: Any, database: Any) -> None:
    settings.TRACKSIDE = {"outbox": {"database": ALIAS, "relay": "command", "attempts": 1}}


def sell(shop: Shop, *names: str) -> None:
    """Sell in one transaction."""
    with transaction.atomic(ALIAS):
        shop.sell(*names)


def test_it_moves_what_waits_and_says_how_much(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    sell(shop, "apple", "pear")
    call_command("trackside", "relay", "--status")
    assert "0 moved; 2 waiting, the oldest for " in capsys.readouterr().out
    call_command("trackside", "relay", "--once")
    assert capsys.readouterr().out == "2 moved; 0 waiting; 0 set aside\n"
    assert shop.logged() == ["apple", "pear"]


def test_it_prints_json(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    sell(shop, "apple")
    call_command("trackside", "relay", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told == {"moved": 1, "waiting": 0, "oldest_s": 0.0, "set_aside": 0}


def test_it_lets_events_that_were_set_aside_wait_again(
    shop: Shop, connection: BaseDatabaseWrapper, capsys: pytest.CaptureFixture[str]
) -> None:
    sell(shop, "apple", "pear")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE trackside_outbox SET tracker = 'nobody' WHERE body LIKE '%apple%'")
    call_command("trackside", "relay")
    assert capsys.readouterr().out == "1 moved; 0 waiting; 1 set aside\n"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE trackside_outbox_set_aside SET tracker = 'default'")
    call_command("trackside", "relay", "--retry")
    assert capsys.readouterr().out == "1 moved; 0 waiting; 0 set aside\n"
    assert shop.logged() == ["pear", "apple"]


def test_it_fails_where_something_is_left(shop: Shop, connection: BaseDatabaseWrapper) -> None:
    sell(shop, "apple")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE trackside_outbox SET tracker = 'nobody'")
    with pytest.raises(CommandError):
        call_command("trackside", "relay")


def test_it_takes_turns_with_another_relay(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sell(shop, "apple")
    monkeypatch.setattr(commands, "_LOOK_EVERY_S", 0.01)
    busy = iter([True, True])
    drain = Relay.drain
    monkeypatch.setattr(Relay, "drain", lambda self: Step(busy=True) if next(busy, False) else drain(self))
    call_command("trackside", "relay")
    assert capsys.readouterr().out == "1 moved; 0 waiting; 0 set aside\n"


def test_following_ends_with_sigterm(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    sell(shop, "apple")
    begun: list[int] = []
    monkeypatch.setattr(commands, "begin_forwarding", lambda: begun.append(len(shop.logged())))

    def end() -> None:
        shop.log.wait(0, 10)
        os.kill(os.getpid(), signal.SIGTERM)

    ending = threading.Thread(target=end)
    ending.start()
    try:
        call_command("trackside", "relay", "--follow", "--interval-s", "0.05")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    ending.join()
    assert shop.logged() == ["apple"]
    assert begun == [0]


def test_following_does_not_go_with_once(shop: Shop) -> None:
    with pytest.raises(CommandError, match="neither"):
        call_command("trackside", "relay", "--follow", "--once")


def test_a_database_without_the_tables_is_told_in_one_line(
    shop: Shop, connection: BaseDatabaseWrapper
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE trackside_outbox RENAME TO elsewhere")
    try:
        with pytest.raises(CommandError, match="the outbox in 'shop' cannot be used"):
            call_command("trackside", "relay", "--status")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO trackside_outbox")
