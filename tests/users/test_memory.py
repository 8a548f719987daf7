"""The memory of a directory: bounded in size and in time, and never behind what it was told to forget."""

import os
import threading
from contextlib import ExitStack

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.users.clock import Clock
from trackside.users.base import NotLoadedError, User, Wanted
from trackside.users.memory import Loading, Memory

HONOR = User(7, "honor")
BY_ID, BY_NAME = Wanted("id", 7), Wanted("username", "honor")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(clock: Clock) -> Memory:
    return Memory(fresh_s=300, absent_s=30, clock=clock)


def load(memory: Memory, *users: User, wanted: tuple[Wanted, ...] = (), briefly: bool = False) -> None:
    with memory.loading() as loading:
        memory.remember(loading, users, wanted, briefly=briefly)


def knows(memory: Memory, wanted: Wanted, now: float) -> User | str | None:
    try:
        if wanted.by == "id":
            return memory.user(wanted.value, now)
        return memory.named(str(wanted.value), now)
    except NotLoadedError as error:
        return "?" if error.wanted == wanted else "another is wanted"


def test_staleness(memory: Memory, clock: Clock) -> None:
    """A user is remembered for `fresh_s`, nobody for `absent_s`, from when the database was asked."""
    with memory.loading() as loading:
        clock.advance(10)
        memory.remember(loading, [HONOR], [BY_ID, Wanted("id", 8), Wanted("username", "x")])
    assert knows(memory, BY_ID, clock.now) == knows(memory, BY_NAME, clock.now) == HONOR
    assert knows(memory, Wanted("id", 8), clock.now) is None
    clock.advance(20)
    assert (
        knows(memory, Wanted("id", 8), clock.now) == knows(memory, Wanted("username", "x"), clock.now) == "?"
    )
    clock.advance(269)
    assert knows(memory, BY_ID, clock.now) == HONOR
    clock.advance(1)
    assert knows(memory, BY_ID, clock.now) == knows(memory, BY_NAME, clock.now) == "?"


def test_briefly(memory: Memory, clock: Clock) -> None:
    """What may be rolled back is remembered no longer than that somebody is nobody."""
    load(memory, HONOR, briefly=True)
    clock.advance(30)
    assert knows(memory, BY_ID, clock.now) == "?"


def test_a_new_name(memory: Memory, clock: Clock) -> None:
    """The old name is nobody's that is known, and the new one no longer nobody's."""
    load(memory, HONOR, wanted=(Wanted("username", "new"),))
    load(memory, User(7, "new"))
    assert knows(memory, BY_NAME, clock.now) == "?"
    assert knows(memory, Wanted("username", "new"), clock.now) == User(7, "new")


def test_an_account_that_ended(memory: Memory, clock: Clock) -> None:
    """Not being found any more counts, by id and by name."""
    load(memory, HONOR)
    load(memory, wanted=(BY_NAME,))
    assert (knows(memory, BY_NAME, clock.now), knows(memory, BY_ID, clock.now)) == (None, "?")


@pytest.mark.parametrize("number", [2**63, 2**70, -(2**63) - 1])
def test_numbers_of_nobody(memory: Memory, clock: Clock, number: int) -> None:
    """Beyond what a database holds there is nobody to look up."""
    assert memory.user(number, clock.now) is None


def test_the_oldest_make_room(clock: Clock) -> None:
    """Of users and of those that are none, each for itself."""
    memory = Memory(most=3, clock=clock)
    load(memory, *(User(each, str(each)) for each in range(3)))
    load(memory, User(0, "0"))
    load(memory, User(3, "3"), wanted=tuple(Wanted("id", each) for each in range(10, 15)))
    assert [knows(memory, Wanted("id", each), clock.now) != "?" for each in range(4)] == [
        True,
        False,
        True,
        True,
    ]
    assert knows(memory, Wanted("username", "1"), clock.now) == "?"
    assert [knows(memory, Wanted("id", each), clock.now) for each in range(10, 15)] == [
        "?",
        "?",
        None,
        None,
        None,
    ]


@pytest.mark.parametrize("how", ["id", "username", "clear"])
def test_a_load_that_began_earlier(memory: Memory, clock: Clock, how: str) -> None:
    """It does not bring back what was forgotten meanwhile; the next one does."""
    load(memory, HONOR)
    with memory.loading() as loading:
        {
            "id": lambda: memory.forget(7),
            "username": lambda: memory.forget_name("honor"),
            "clear": memory.clear,
        }[how]()
        memory.remember(loading, [HONOR, User(8, "staff")], [BY_ID, Wanted("id", 9)])
        others = [knows(memory, Wanted("id", each), clock.now) for each in (8, 9)]
    assert others == (["?", "?"] if how == "clear" else [User(8, "staff"), None])
    assert knows(memory, BY_ID, clock.now) == knows(memory, BY_NAME, clock.now) == "?"
    load(memory, HONOR)
    assert knows(memory, BY_ID, clock.now) == HONOR


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_starts_empty(memory: Memory, clock: Clock) -> None:
    """A thread of the parent that holds the lock is not waited for."""
    load(memory, HONOR)
    with memory.loading(), memory._lock:
        child = os.fork()
        if child == 0:
            try:
                load(memory, User(8, "staff"))
                known = [knows(memory, Wanted("id", each), clock.now) for each in (7, 8)]
                os._exit(0 if known == ["?", User(8, "staff")] else 1)
            finally:
                os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert knows(memory, BY_ID, clock.now) == HONOR


def test_threads() -> None:
    """Loads, forgets and questions at the same time leave a memory that is whole."""
    memory = Memory(most=50)
    failures: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            for each in [*range(seed, seed + 100)] * 20:
                load(memory, User(each, f"u{each}"), wanted=(Wanted("id", -each),))
                assert knows(memory, Wanted("id", each), 0.0) in ("?", User(each, f"u{each}"))
                memory.forget(each + 1)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (0, 30, 60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    whole(memory)


def whole(memory: Memory) -> None:
    """Assert what the memory's parts owe each other."""
    assert len(memory._users) <= memory._most
    assert len(memory._absent) <= memory._most
    for name, entry in memory._names.items():
        assert entry.user.username == name
        assert memory._users[entry.user.id] is entry
    assert not memory._loadings


IDS, NAMES = st.integers(1, 5), st.sampled_from("abc")
WANTED = st.builds(Wanted, st.just("id"), IDS) | st.builds(Wanted, st.just("username"), NAMES)


class AgainstADatabase(RuleBasedStateMachine):
    """A database of users that change, a memory of it that is told of every second change, loads that take long."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.memory = Memory(most=4, fresh_s=20, absent_s=5, clock=self.clock)
        self.now: dict[int, str] = {}
        self.history: list[tuple[float, dict[int, str]]] = [(self.clock.now, {})]
        self.loads: list[tuple[ExitStack, Loading, list[User], list[Wanted]]] = []
        self.told: dict[Wanted, float] = {}

    @rule(user_id=IDS, name=st.none() | NAMES, told=st.booleans())
    def change(self, user_id: int, name: str | None, told: bool) -> None:
        """An account is made, renamed or ended; as in the platform, whose names are each of one account."""
        if name in self.now.values():
            return
        before = self.now.get(user_id)
        self.now = {key: value for key, value in self.now.items() if key != user_id}
        if name is not None:
            self.now[user_id] = name
        self.history.append((self.clock.now, self.now))
        if told:
            self.memory.forget(user_id)
            self.told[Wanted("id", user_id)] = len(self.history)
            for each in {before, name} - {None}:
                self.memory.forget_name(str(each))
                self.told[Wanted("username", str(each))] = len(self.history)

    @rule(wanted=st.lists(WANTED, min_size=1, max_size=6))
    def begin_load(self, wanted: list[Wanted]) -> None:
        """The database is asked now, and answers later."""
        stack = ExitStack()
        loading = stack.enter_context(self.memory.loading())
        found = [
            User(key, name)
            for key, name in self.now.items()
            if Wanted("id", key) in wanted or Wanted("username", name) in wanted
        ]
        self.loads.append((stack, loading, found, wanted))

    @rule()
    def end_load(self) -> None:
        """The answer of the load that began first is there."""
        if self.loads:
            stack, loading, found, wanted = self.loads.pop(0)
            with stack:
                self.memory.remember(loading, found, wanted)

    @rule(seconds=st.sampled_from([1, 4, 6, 21]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.clock.advance(seconds)

    @rule()
    def forget_all(self) -> None:
        """Nothing is known any more."""
        self.memory.clear()
        for each in [*(Wanted("id", i) for i in range(1, 6)), *(Wanted("username", n) for n in "abc")]:
            self.told[each] = len(self.history)

    @rule(wanted=WANTED)
    def question(self, wanted: Wanted) -> None:
        """An answer was the truth at some moment that is recent enough, and not before what was told."""
        answer = knows(self.memory, wanted, self.clock.now)
        if answer == "?":
            return
        oldest = self.clock.now - (5 if answer is None else 20)
        told = int(self.told.get(wanted, 0))
        truths = [
            state
            for number, (_, state) in enumerate(self.history, start=1)
            if number >= told and (number == len(self.history) or self.history[number][0] > oldest)
        ]
        if wanted.by == "id":
            names = [state.get(int(wanted.value)) for state in truths]
            assert (answer.username if isinstance(answer, User) else None) in names
        elif isinstance(answer, User):
            assert any(state.get(int(answer.id)) == wanted.value for state in truths)
        else:
            assert any(wanted.value not in state.values() for state in truths)

    @invariant()
    def is_whole(self) -> None:
        """Whatever happens."""
        assert len(self.memory._users) <= 4
        assert all(self.memory._users[each.user.id] is each for each in self.memory._names.values())


TestAgainstADatabase = AgainstADatabase.TestCase
