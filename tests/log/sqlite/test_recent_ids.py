"""Which ids are remembered, for how many and how long."""

from hypothesis import given
from hypothesis import strategies as st

from trackside.log.sqlite.recent_ids import ID_BYTES, IdHasher, RecentIds
from trackside.testing.log_values import make_event

HOUR_US = 3_600_000_000


def keys(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(ID_BYTES, "little") for number in numbers)


def recent(remembered: int = 1_000, window_us: int = HOUR_US) -> RecentIds:
    return RecentIds(remembered=remembered, window_us=window_us)


def test_known_keys_are_told_by_their_index() -> None:
    table = recent()
    assert table.add(keys(5, 6), 0) == []
    assert table.add(keys(7, 6, 8, 5, 7), 0) == [1, 3, 4]


def test_keys_that_want_the_same_slot_are_all_remembered() -> None:
    table = recent(remembered=20)
    slots = int(10 / 0.6) + 1
    colliding = [3 + slots * n for n in range(10)]
    assert table.add(keys(*colliding), 0) == []
    assert table.add(keys(*colliding), 0) == list(range(10))


def test_the_last_slot_overflows_into_the_tail() -> None:
    table = recent(remembered=20)
    slots = int(10 / 0.6) + 1
    last = [slots - 1 + slots * n for n in range(10)]
    assert table.add(keys(*last), 0) == []
    assert table.add(keys(*last), 0) == list(range(10))


def test_at_least_the_last_so_many_are_remembered() -> None:
    table = recent(remembered=100)
    for number in range(1, 1_001):
        table.add(keys(number), 0)
        if number > 100:
            assert table.add(keys(number - 99), 0) == [0]
    assert table.add(keys(1), 0) == []


def test_one_add_may_be_larger_than_all_tables() -> None:
    table = recent(remembered=100)
    assert table.add(keys(*range(1, 1_001)), 0) == []
    assert table.add(keys(*range(901, 1_001)), 0) == list(range(100))


def test_loaded_keys_are_known() -> None:
    table = recent(remembered=100)
    table.load(keys(*range(1, 301)), 0)
    assert table.add(keys(*range(201, 302)), 0) == list(range(100))


def test_keys_are_forgotten_after_the_window() -> None:
    table = recent(window_us=HOUR_US)
    table.add(keys(1), 0)
    assert table.add(keys(1), HOUR_US) == [0]
    table.add(keys(2), HOUR_US + 1)
    assert table.add(keys(1), 2 * HOUR_US + 2) == []


def test_a_clock_that_goes_back_forgets_nothing() -> None:
    table = recent()
    table.add(keys(1), HOUR_US)
    assert table.add(keys(1), 0) == [0]


def test_removing_undoes_the_last_add() -> None:
    table = recent(remembered=20)
    slots = int(10 / 0.6) + 1
    table.add(keys(3, 3 + slots), 0)
    added = keys(3 + 2 * slots, 3, 3 + 3 * slots, 4)
    known = table.add(added, 0)
    table.remove(added, known)
    assert table.add(keys(3, 3 + slots), 0) == [0, 1]
    assert table.add(added, 0) == [1]


@given(
    st.lists(st.tuples(st.lists(st.integers(1, 60), max_size=12), st.booleans()), max_size=60),
    st.integers(2, 30),
)
def test_it_agrees_with_a_list(steps: list[tuple[list[int], bool]], remembered: int) -> None:
    """Whatever is added and undone: the last `remembered` keys are known, what never came is not."""
    table = recent(remembered=remembered)
    kept: list[int] = []
    for numbers, commits in steps:
        rotations = table.rotations
        known = table.add(keys(*numbers), 0)
        assert all(numbers[i] in kept or numbers[i] in numbers[:i] for i in known)
        fresh = [number for i, number in enumerate(numbers) if i not in set(known)]
        recently = set(kept[-remembered:]) if not fresh else set(kept[len(fresh) - remembered :])
        if len(fresh) < remembered:
            assert not recently & set(fresh)
        if commits or table.rotations != rotations:
            kept += fresh
        else:
            table.remove(keys(*numbers), known)


def test_a_hash_needs_the_source_the_id_and_the_secret() -> None:
    hasher = IdHasher(b"secret")
    one = hasher.keys([make_event(1)])
    assert len(one) == ID_BYTES
    assert hasher.keys([make_event(2), make_event(1)])[ID_BYTES:] == one
    assert IdHasher(b"secret").keys([make_event(1)]) == one
    assert IdHasher(b"other").keys([make_event(1)]) != one
    assert hasher.keys([make_event(1, source="mobile")]) != one


def test_many_sources_do_not_fill_the_memory() -> None:
    hasher = IdHasher(b"secret")
    events = [make_event(1, source=f"source-{n}") for n in range(2_500)]
    found = hasher.keys(events)
    assert len({found[i : i + 8] for i in range(0, 20_000, 8)}) == 2_500
    assert len(hasher._sources) <= 1_001
