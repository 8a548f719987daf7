"""Whatever an application does with its transactions: the events of the log are the committed rows, each once."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest
from django.db import DatabaseError, Error, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.django.outbox.databases import ALIAS, Settings, empty_tables
from tests.django.outbox.shop import Shop
from trackside import tracker
from trackside.backends.log import LogBackend
from trackside.log.memory import MemoryLog
from trackside.tracker import TRACKERS, Tracker

pytestmark = pytest.mark.slow


@dataclass
class Block:
    """An `atomic` block as the application has it, and what it did in it."""

    atomic: transaction.Atomic
    savepoint: bool
    """Whether the block can be rolled back alone; the outermost can."""
    names: list[str] = field(default_factory=list)
    points: list[tuple[str, int]] = field(default_factory=list)
    """Savepoints made by hand: name, and how many names came before."""


class Application(RuleBasedStateMachine):
    """Enters and leaves blocks, makes savepoints, loses its connection; a relay comes by now and then."""

    def __init__(self, vendor: str) -> None:
        super().__init__()
        self.vendor = vendor
        self.shop = Shop(MemoryLog())
        TRACKERS["default"] = Tracker({"log": LogBackend(log=self.shop.log)})
        empty_tables()
        self.blocks: list[Block] = []
        self.committed: list[str] = []
        self.broken = False
        """A statement failed and the application went on: PostgreSQL takes no more until a rollback."""
        self.number = 0

    @property
    def connection(self) -> BaseDatabaseWrapper:
        """The application's connection."""
        return connections[ALIAS]

    def usable(self) -> bool:
        """Return whether the transaction takes statements."""
        return not self.broken and not self.connection.needs_rollback

    @precondition(lambda self: len(self.blocks) < 5 and self.usable())
    @rule(savepoint=st.booleans())
    def enter(self, savepoint: bool) -> None:
        """Begin a transaction, or a block within it."""
        block = transaction.Atomic(ALIAS, savepoint, False)
        block.__enter__()
        self.blocks.append(Block(block, savepoint or not self.blocks))

    @precondition(lambda self: self.usable())
    @rule(count=st.integers(1, 3))
    def sell(self, count: int) -> None:
        """Write rows and emit their events."""
        names = [self.new_name() for _ in range(count)]
        self.shop.sell(*names)
        (self.blocks[-1].names if self.blocks else self.committed).extend(names)

    @precondition(lambda self: self.blocks and self.usable())
    @rule(first=st.integers(0, 2), kept=st.booleans(), last=st.integers(0, 2))
    def try_something(self, first: int, kept: bool, last: int) -> None:
        """What applications do most: something before, in and after a block that may fail."""
        if first:
            self.sell(first)
        self.enter(savepoint=True)
        self.sell(1)
        if kept:
            self.leave()
        else:
            self.leave_by_an_exception()
        if last:
            self.sell(last)

    @precondition(lambda self: self.blocks and not self.usable())
    @rule()
    def emit_in_vain(self) -> None:
        """Emit what can only be rolled back."""
        tracker.emit(self.new_name("vain"), on_commit=True)

    @precondition(lambda self: self.blocks and self.usable())
    @rule(raw=st.booleans())
    def set_point(self, raw: bool) -> None:
        """Make a savepoint by hand."""
        name = self.new_name("p") if raw else transaction.savepoint(ALIAS)
        if raw:
            self.run(f"SAVEPOINT {name}")
        self.blocks[-1].points.append((name, len(self.blocks[-1].names)))

    @precondition(lambda self: self.blocks and self.usable() and self.blocks[-1].points)
    @rule(data=st.data(), back=st.booleans())
    def end_point(self, data: st.DataObject, back: bool) -> None:
        """Roll back to such a savepoint, or release it."""
        block = self.blocks[-1]
        index = data.draw(st.integers(0, len(block.points) - 1))
        name, count = block.points[index]
        if back:
            transaction.savepoint_rollback(name, ALIAS)
            del block.names[count:]
            del block.points[index + 1 :]
        else:
            transaction.savepoint_commit(name, ALIAS)
            del block.points[index:]

    @precondition(lambda self: self.usable())
    @rule()
    def read(self) -> None:
        """A transaction sees its own rows and all that are committed."""
        expected = [*self.committed, *(name for block in self.blocks for name in block.names)]
        assert self.shop.sold() == sorted(expected)

    @precondition(lambda self: self.blocks and self.usable())
    @rule(
        chance=st.integers(0, 3),
        sql=st.sampled_from(["SELECT nonsense FROM nowhere", "INSERT INTO item (name) VALUES (NULL)"]),
    )
    def fail_and_go_on(self, chance: int, sql: str) -> None:
        """The application passes over an error without leaving the block."""
        if chance:
            return
        with pytest.raises(DatabaseError):
            self.run(sql)
        self.broken = self.vendor == "postgresql"

    @precondition(lambda self: self.blocks)
    @rule()
    def leave(self) -> None:
        """End the innermost block as if all were well."""
        block = self.blocks.pop()
        kept = self.usable()
        if self.broken and self.blocks and block.savepoint:
            with pytest.raises(DatabaseError):  # RELEASE of a savepoint after an error
                block.atomic.__exit__(None, None, None)
        else:
            block.atomic.__exit__(None, None, None)
        self.ended(block, kept=kept)

    @precondition(lambda self: self.blocks)
    @rule()
    def leave_by_an_exception(self) -> None:
        """End the innermost block by an exception."""
        block = self.blocks.pop()
        block.atomic.__exit__(KeyError, KeyError(), None)
        self.ended(block, kept=False)

    @precondition(lambda self: self.blocks)
    @rule(chance=st.integers(0, 3), by_itself=st.booleans(), commit=st.booleans())
    def lose_connection(self, chance: int, by_itself: bool, commit: bool) -> None:
        """The server ends the session, or the application closes it; every block ends, however it likes."""
        if chance:
            return
        if by_itself or self.vendor == "sqlite":
            self.connection.close()
        else:
            self.end_session()
            tracker.emit(self.new_name("vain"), on_commit=True)
        while self.blocks:
            block = self.blocks.pop()
            reason = (None, None, None) if commit and self.blocks else (KeyError, KeyError(), None)
            with suppressed():
                block.atomic.__exit__(*reason)
        self.broken = False
        self.connection.close()

    @precondition(lambda self: not self.blocks or self.vendor != "sqlite")
    @rule()
    def relay(self) -> None:
        """Only committed rows move; on SQLite nobody else can write while a transaction does."""
        self.shop.relay()
        assert sorted(self.shop.logged()) == sorted(self.committed)

    @invariant()
    def nothing_else_is_in_the_log(self) -> None:
        """At no time does the log hold what is not committed, or anything twice."""
        logged = self.shop.logged()
        assert len(logged) == len(set(logged))
        assert set(logged) <= set(self.committed)

    def teardown(self) -> None:
        """End everything; then the log holds all that is committed."""
        try:
            while self.blocks:
                self.leave()
            self.relay()
            assert self.shop.sold() == sorted(self.committed)
            assert self.shop.waiting() == 0
            assert self.connection.execute_wrappers == []
        finally:
            while self.blocks:
                with suppressed():
                    self.blocks.pop().atomic.__exit__(KeyError, KeyError(), None)
            self.connection.close()
            self.shop.log.close()

    def ended(self, block: Block, *, kept: bool) -> None:
        """Account for a block that ended."""
        if kept:
            (self.blocks[-1].names if self.blocks else self.committed).extend(block.names)
        if block.savepoint and not kept:
            self.broken = False

    def new_name(self, prefix: str = "n") -> str:
        """Return a name nobody had before."""
        self.number += 1
        return f"{prefix}{self.number:05d}"

    def run(self, sql: str) -> None:
        """Execute a statement of the application."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql)

    def end_session(self) -> None:
        """Let the server end the application's session."""
        other = self.connection.copy()
        kill = "SELECT pg_terminate_backend(%s)" if self.vendor == "postgresql" else "KILL %s"
        with other.cursor() as cursor:
            cursor.execute(kill, [session_id(self.connection)])
        other.close()


def session_id(connection: BaseDatabaseWrapper) -> int:
    driver = connection.connection
    if connection.vendor == "postgresql":
        return int(driver.info.backend_pid)
    return int(driver.thread_id())


@contextmanager
def suppressed() -> Iterator[None]:
    """Pass over what a lost connection raises."""
    with suppress(Error, transaction.TransactionManagementError):
        yield


@pytest.fixture
def _relay_comes_by(settings: object, shop: Shop) -> None:
    """Nobody moves rows but the machine's own rule."""
    settings.TRACKSIDE = {"outbox": {"database": ALIAS, "relay": "command"}}  # type: ignore[attr-defined]


@pytest.mark.usefixtures("_relay_comes_by")
def test_events_are_committed_rows(vendor: str, database: Settings) -> None:
    class OnVendor(Application):
        """The machine on this kind of database."""

        def __init__(self) -> None:
            super().__init__(vendor)

    run_state_machine_as_test(OnVendor, settings=hypothesis_settings(stateful_step_count=25))
