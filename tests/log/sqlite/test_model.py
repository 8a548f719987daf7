"""The log against a model of it: whatever is done in whatever order, both say the same."""

import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from trackside.config.settings import LogSettings
from trackside.event import NameFilter
from trackside.log.base import Bounds, Committed
from trackside.log.sqlite.log import SQLiteLog
from trackside.log.subscription import Progress
from trackside.testing.log_values import ManualClock, append, make_event, read_all

RETENTION_S = 3_600
NAMES = ("a", "b.c", "b.d")
SETTINGS = LogSettings(retention_s=RETENTION_S, dedup_window_s=86_400)


class LogModel(RuleBasedStateMachine):
    """Two instances on one directory, closed and opened at any time, and a list of what they must hold."""

    instances = Bundle("instances")

    @initialize(target=instances)
    def begin(self) -> int:
        """Open the first."""
        self.folder = tempfile.TemporaryDirectory()
        self.clock = ManualClock()
        self.logs: dict[int, SQLiteLog] = {}
        self.events: list[tuple[int, str]] = []
        self.received = dict[int, int]()
        self.known: set[str] = set()
        self.removed = 0
        self.passed: int | None = None
        return self._open()

    def _open(self) -> int:
        number = len(self.logs)
        self.logs[number] = SQLiteLog(Path(self.folder.name) / "data", SETTINGS, clock=self.clock)
        return number

    @rule(target=instances)
    def open_another(self) -> int:
        """As another process would."""
        return self._open()

    @rule(target=instances, number=consumes(instances))
    def restart(self, number: int) -> int:
        """Close one and open one."""
        self.logs[number].close()
        return self._open()

    @rule(number=instances, ids=st.lists(st.integers(0, 400), max_size=40))
    def append(self, number: int, ids: list[int]) -> None:
        """New ids are stored in their order, known ones are not."""
        events = [make_event(n, name=NAMES[n % 3], received_at=self.clock.now) for n in ids]
        fresh = [event for event in dict.fromkeys(event.id for event in events) if event not in self.known]
        end = self.removed + len(self.events)
        receipt = append(self.logs[number], *events)
        assert receipt == Committed(len(fresh), len(ids) - len(fresh), end + len(fresh))
        self.known.update(fresh)
        for position, id_ in enumerate(fresh, end + 1):
            self.events.append((position, id_))
            self.received[position] = round((self.clock.now - ManualClock().now).total_seconds())

    @rule(number=instances, times=st.integers(1, 80))
    def append_one_by_one(self, number: int, times: int) -> None:
        """Make small chunks."""
        for n in range(1_000 + len(self.known), 1_000 + len(self.known) + times):
            self.append(number, [n])

    @rule(seconds=st.integers(1, RETENTION_S // 2))
    def let_time_pass(self, seconds: int) -> None:
        """Make what is there older."""
        self.clock.advance(seconds)

    @rule(number=instances)
    def subscribe(self, number: int) -> None:
        """From now on only what it has passed may go."""
        if self.passed is None:
            self.passed = self.logs[number].subscription("crm").state().position
            assert self.passed == self.removed

    @rule(number=instances, share=st.floats(0, 1))
    def deliver(self, number: int, share: float) -> None:
        """Pass some of what is new."""
        if self.passed is not None:
            subscription = self.logs[number].subscription("crm")
            assert subscription.state().position == self.passed
            end = self.removed + len(self.events)
            self.passed += round((end - self.passed) * share)
            subscription.advance(Progress(position=self.passed), now=self.clock.now)

    @rule(number=instances)
    def maintain(self, number: int) -> None:
        """Old chunks go from the beginning, as far as they were passed; nothing else changes."""
        self.logs[number].maintain(self.clock.now)
        first = self.logs[number].bounds().first
        end = self.removed + len(self.events)
        gone = (first - 1 if first else end) - self.removed
        oldest = round((self.clock.now - ManualClock().now).total_seconds()) - RETENTION_S
        for position, _ in self.events[:gone]:
            assert self.received[position] < oldest
            assert self.passed is None or position <= self.passed
        del self.events[:gone]
        self.removed += gone
        if self.passed is None and self.events:
            assert any(self.received[p] >= oldest for p, _ in self.events)

    @invariant()
    def all_instances_hold_the_same(self) -> None:
        """Read from each that was not closed."""
        if not hasattr(self, "logs"):
            return
        end = self.removed + len(self.events)
        bounds = Bounds(self.removed + 1 if self.events else 0, end, len(self.events))
        for log in [log for log in self.logs.values() if not log._log._closed][:2]:
            assert log.bounds() == bounds
            assert read_all(log) == self.events
            names = NameFilter(["b.*"])
            found = through = 0
            while through < end:  # a page ends after many chunks, too
                page = log.read(through, limit=10_000, names=names)
                assert page.through > through
                found, through = found + len(page.events), page.through
            assert found == sum(int(id_[6:]) % 3 != 0 for _, id_ in self.events)
            assert log.position_at(self.clock.now + timedelta(seconds=1)) == end

    def teardown(self) -> None:
        """Close all."""
        for log in getattr(self, "logs", {}).values():
            log.close()
        if hasattr(self, "folder"):
            self.folder.cleanup()


TestLogModel = LogModel.TestCase
TestLogModel.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
