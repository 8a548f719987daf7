# ruff: noqa: D102  # these are tests; their docstrings say what holds
"""The tests of erasing that every log engine passes; `LogContract` includes them."""

from datetime import timedelta

import pytest
from msgspec import Raw
from msgspec.structs import replace

from trackside.event import ERASED, NameFilter
from trackside.log.base import Log
from trackside.log.person import Finder, Person
from trackside.log.subscription import DeadLetter, Progress, Waiting
from trackside.testing.log_values import NOON, append, make_event, make_reject

ADA = Finder(Person(user_ids=frozenset({"3", "5"})))
"""Whose are the events 3 and 5."""


class ErasureContract:
    """What `Log` and `Subscription` promise of erasing."""

    def test_a_person_s_events_are_found_and_erased(self, log: Log) -> None:
        """Their place stays, with the id and the times; the neighbours are as they were, byte for byte."""
        events = [make_event(n, data=b'{"step":%d}' % n) for n in range(1, 8)]
        append(log, *events)
        found = log.find_of(ADA, 0)
        assert (list(found.positions), [event.id for event in found.events]) == (
            [3, 5],
            ["event-3", "event-5"],
        )
        assert list(log.find_of(ADA, 3).positions) == [5]
        assert log.erase([5, 3, 5, 99]) == 2
        page = log.read(0)
        assert list(page.positions) == list(range(1, 8))
        gone = [event for event in page.events if event.type == ERASED]
        assert [(e.id, e.name, e.source, e.received_at, bytes(e.data), e.user_id) for e in gone] == [
            (f"event-{n}", "trackside.erased", "web", NOON, b"{}", None) for n in (3, 5)
        ]
        others = [event for event in page.events if event.type != ERASED]
        assert [(event.id, bytes(event.data)) for event in others] == [
            (event.id, bytes(event.data)) for event in events if event.id not in {"event-3", "event-5"}
        ]

    def test_erasing_twice_does_nothing_more(self, log: Log) -> None:
        append(log, *map(make_event, range(1, 8)))
        assert (log.erase([3]), log.erase([3])) == (1, 0)
        assert list(log.find_of(ADA, 0).positions) == [5]
        log.erase([5])
        assert list(log.erased_lately()) == [3, 5]
        page = log.find_of(ADA, 0)
        assert (list(page.positions), page.through) == ([], 7)

    def test_an_erased_event_is_not_stored_again(self, log: Log) -> None:
        """A sender's retry of it is a duplicate."""
        append(log, *map(make_event, range(1, 8)))
        log.erase([3])
        assert append(log, make_event(3), make_event(8)).duplicates == 1
        assert list(log.read(7).positions) == [8]

    def test_what_was_read_before_is_not_shown_again(self, log: Log) -> None:
        append(log, *map(make_event, range(1, 8)))
        assert "Lesson Opened" in {event.name for event in log.read(2).events}
        log.erase([3])
        assert log.read(2, limit=1).events[0].type == ERASED
        assert 3 not in log.read(0, names=NameFilter(["Lesson *"])).positions
        assert list(log.read(0, names=NameFilter(["trackside.erased"])).positions) == [3]

    def test_erased_events_end_as_others_do(self, log: Log) -> None:
        """Merged, and removed by retention; the end stays."""
        for number in range(1, 8):
            append(log, make_event(number))
        log.erase([3, 7])
        log.maintain(NOON)
        assert [event.type for event in log.read(0).events].count(ERASED) == 2
        log.maintain(NOON + timedelta(days=400))
        assert (log.bounds().events, log.bounds().last) == (0, 7)
        assert log.erase([3]) == 0
        append(log, make_event(9))
        assert list(log.read(0).positions) == [8]

    def test_what_a_subscription_holds(self, log: Log) -> None:
        """What waits stays where it is, emptied; dead letters are given up; all of it adds up."""
        append(log, *map(make_event, range(1, 8)))
        crm, other = log.subscription("crm"), log.subscription("other")
        rows = [
            Waiting(position=n, event=make_event(n), attempt=1, due_at=NOON, reason="503") for n in (2, 3)
        ]
        letters = [
            DeadLetter(position=n, event=make_event(n), attempts=9, died_at=NOON, reason="x") for n in (4, 5)
        ]
        for each in (crm, other):
            each.advance(Progress(position=7, delivered=3, waiting=rows, dead=letters), now=NOON)
        held = crm.erase_of(ADA, dry_run=True)
        assert (held.waiting, held.dead, set(held.event_ids)) == (1, 1, {"event-3", "event-5"})
        assert crm.erase_of(ADA) == held
        again = crm.erase_of(ADA)
        assert (again.waiting, again.dead) == (0, 0)
        assert [(row.position, row.event.type, row.attempt) for row in crm.due(NOON, 9)] == [
            (2, "track", 1),
            (3, ERASED, 1),
        ]
        assert [letter.position for letter in crm.dead_letters()] == [4]
        state = crm.state()
        assert (state.delivered, state.filtered, state.retrying, state.dead) == (3, 1, 2, 1)
        assert other.erase_of(ADA, dry_run=True) == held

    @pytest.mark.parametrize("ends", ["waits", "dies"])
    def test_who_had_it_in_hand_does_not_bring_it_back(self, log: Log, ends: str) -> None:
        """The attempt that was under way fails: what is kept then is what was left of the event."""
        append(log, *map(make_event, range(1, 8)))
        crm = log.subscription("crm")
        row = Waiting(position=3, event=make_event(3), attempt=1, due_at=NOON, reason="503")
        crm.advance(Progress(position=7, delivered=6, waiting=[row]), now=NOON)
        crm.erase_of(ADA)
        if ends == "waits":
            crm.advance(Progress(waiting=[replace(row, attempt=2, reason="504")]), now=NOON)
            (kept,) = crm.due(NOON, 9)
            assert (kept.attempt, kept.reason, kept.event.type) == (2, "504", ERASED)
        else:
            letter = DeadLetter(position=3, event=row.event, attempts=2, died_at=NOON, reason="410")
            crm.advance(Progress(dead=[letter]), now=NOON)
            (buried,) = crm.dead_letters()
            assert (buried.attempts, buried.event.type) == (2, ERASED)
        state = crm.state()
        assert (state.retrying, state.dead) == ((1, 0) if ends == "waits" else (0, 1))

    @pytest.mark.parametrize("ends", ["waits", "dies"])
    def test_whose_first_attempt_is_under_way(self, log: Log, ends: str) -> None:
        """It held the event from before: what it keeps is what was left of it, and all adds up."""
        append(log, *map(make_event, range(1, 8)))
        crm = log.subscription("crm")
        before = crm.state().erasures
        log.erase([3])
        assert crm.state().erasures != before
        if ends == "waits":
            rows = [
                Waiting(position=n, event=make_event(n), attempt=1, due_at=NOON, reason="503") for n in (2, 3)
            ]
            crm.advance(Progress(position=7, delivered=5, waiting=rows), now=NOON)
            kept = [row.event for row in crm.due(NOON, 9)]
        else:
            letters = [
                DeadLetter(position=n, event=make_event(n), attempts=1, died_at=NOON, reason="410")
                for n in (2, 3)
            ]
            crm.advance(Progress(position=7, delivered=5, dead=letters), now=NOON)
            kept = [letter.event for letter in crm.dead_letters()]
        assert [event.type for event in kept] == ["track", ERASED]
        state = crm.state()
        assert state.delivered + state.filtered + state.retrying + state.dead == 7

    def test_rejects_are_removed(self, log: Log) -> None:
        append(log, rejects=tuple(map(make_reject, range(5))))
        numbers = [each.number for each in log.rejects() if each.reject.detail in {"1", "3"}]
        assert log.remove_rejects(numbers) == 2
        assert log.remove_rejects(numbers) == 0
        assert [each.reject.detail for each in log.rejects()] == ["4", "2", "0"]

    def test_events_that_few_decoders_take_survive_their_neighbours(self, log: Log) -> None:
        odd = make_event(2, data=b'{"n":1e400,"half":"\\ud800"}')
        append(log, make_event(3), odd, replace(make_event(5), data=Raw(b'{"a":[]}')))
        log.erase([1, 3])
        kept = log.read(0).events[1]
        assert (kept.id, bytes(kept.data)) == (odd.id, bytes(odd.data))
        assert log.scrub()
