# ruff: noqa: D102  # these are tests; their docstrings say what holds
"""The tests the subscriptions of every log engine pass; `LogContract` includes them."""

from datetime import timedelta

import pytest

from trackside.log.base import Log
from trackside.log.subscription import (
    REPLAYS_KEPT,
    DeadLetter,
    Progress,
    Replay,
    Subscription,
    SubscriptionState,
    Waiting,
)
from trackside.testing.log_values import NOON, append, make_event

SECOND = timedelta(seconds=1)


def waiting(position: int, *, due_in_s: float = 0, attempt: int = 1, reason: str = "503") -> Waiting:
    """Return a delivery of the event at `position` that failed."""
    return Waiting(
        position=position,
        event=make_event(position),
        attempt=attempt,
        due_at=NOON + timedelta(seconds=due_in_s),
        reason=reason,
    )


def dead(position: int) -> DeadLetter:
    """Return a dead letter of the event at `position`."""
    return DeadLetter(position=position, event=make_event(position), attempts=5, died_at=NOON, reason="410")


def accounted(state: SubscriptionState) -> int:
    """Return how many events the state's counts account for."""
    return state.delivered + state.filtered + state.retrying + state.dead


class SubscriptionContract:
    """What `trackside.log.base.Subscription` promises."""

    @pytest.fixture
    def subscription(self, log: Log) -> Subscription:
        append(log, *map(make_event, range(1, 11)))
        return log.subscription("crm")

    def test_a_new_subscription_begins_where_it_is_told(self, log: Log) -> None:
        append(log, make_event(1), make_event(2))
        assert log.subscription("all").state().start == 0
        latest = log.subscription("new", start="latest").state()
        assert (latest.start, latest.position) == (2, 2)
        assert log.subscriptions() == ["all", "new"]

    def test_its_start_stays(self, log: Log, subscription: Subscription) -> None:
        assert log.subscription("crm", start="latest").state() == subscription.state()
        assert subscription.name == "crm"

    def test_progress_is_kept_and_adds_up(self, log: Log, subscription: Subscription) -> None:
        subscription.advance(
            Progress(
                position=8,
                delivered=4,
                filtered=1,
                redelivered=2,
                waiting=[waiting(3), waiting(5)],
                dead=[dead(6)],
                checkpoint="offset 7",
            ),
            now=NOON,
        )
        state = subscription.state()
        assert (state.position, state.delivered, state.filtered, state.redelivered) == (8, 4, 1, 2)
        assert (state.retrying, state.dead, state.checkpoint) == (2, 1, "offset 7")
        assert state.last_delivered_at == NOON
        assert accounted(state) == state.position - state.start
        assert log.subscription("crm").state() == state

    def test_progress_without_a_position_or_note_leaves_them(self, subscription: Subscription) -> None:
        subscription.advance(Progress(position=3, filtered=3, checkpoint="a"), now=NOON)
        subscription.advance(Progress(), now=NOON + SECOND)
        state = subscription.state()
        assert (state.position, state.checkpoint, state.last_delivered_at) == (3, "a", None)

    def test_what_waits_is_found_by_position(self, subscription: Subscription) -> None:
        rows = [waiting(2, due_in_s=60, attempt=3), waiting(4), waiting(7)]
        subscription.advance(Progress(position=8, delivered=5, waiting=rows), now=NOON)
        assert subscription.waiting_at([7, 3, 2, 7]) == [rows[0], rows[2]]
        assert subscription.waiting_at([]) == subscription.waiting_at([5, 99]) == []

    def test_what_is_due_comes_oldest_first(self, subscription: Subscription) -> None:
        rows = [
            waiting(1, due_in_s=30),
            waiting(2, due_in_s=10),
            waiting(3, due_in_s=10),
            waiting(4, due_in_s=99),
        ]
        subscription.advance(Progress(position=4, waiting=rows), now=NOON)
        assert subscription.due(NOON, 10) == []
        assert subscription.next_due_at() == NOON + 10 * SECOND
        due = subscription.due(NOON + 30 * SECOND, 10)
        assert [row.position for row in due] == [2, 3, 1]
        assert [row.position for row in subscription.due(NOON + 30 * SECOND, 2)] == [2, 3]
        assert (due[0].event.id, due[0].attempt, due[0].reason) == ("event-2", 1, "503")
        assert due[0].due_at == NOON + 10 * SECOND

    def test_nothing_waits_at_first(self, subscription: Subscription) -> None:
        assert subscription.next_due_at() is None
        assert subscription.due(NOON, 10) == []

    def test_a_waiting_row_is_replaced_settled_or_dies(self, subscription: Subscription) -> None:
        subscription.advance(Progress(position=3, waiting=[waiting(1), waiting(2), waiting(3)]), now=NOON)
        again = waiting(1, due_in_s=60, attempt=2, reason="timeout")
        subscription.advance(Progress(waiting=[again], settled=[2], delivered=1, dead=[dead(3)]), now=NOON)
        state = subscription.state()
        assert (state.retrying, state.delivered, state.dead) == (1, 1, 1)
        assert accounted(state) == 3
        (row,) = subscription.due(NOON + 60 * SECOND, 10)
        assert (row.position, row.attempt, row.reason) == (1, 2, "timeout")

    def test_settling_what_does_not_wait_changes_no_count(self, subscription: Subscription) -> None:
        subscription.advance(Progress(position=1, waiting=[waiting(1)]), now=NOON)
        subscription.advance(Progress(settled=[7]), now=NOON)
        assert subscription.state().retrying == 1

    def test_dead_letters_keep_their_events(self, subscription: Subscription) -> None:
        subscription.advance(Progress(position=3, dead=[dead(3), dead(1), dead(2)]), now=NOON)
        letters = subscription.dead_letters()
        assert [letter.position for letter in letters] == [1, 2, 3]
        assert (letters[0].event.id, letters[0].attempts, letters[0].died_at) == ("event-1", 5, NOON)
        assert [letter.position for letter in subscription.dead_letters(limit=1, after=1)] == [2]

    def test_dead_letters_are_tried_again(self, subscription: Subscription) -> None:
        subscription.advance(Progress(position=3, dead=[dead(1), dead(2), dead(3)]), now=NOON)
        assert subscription.retry_dead([2, 9], now=NOON) == 1
        (row,) = subscription.due(NOON, 10)
        assert (row.position, row.attempt, row.due_at, row.event.id) == (2, 0, NOON, "event-2")
        assert subscription.retry_dead(None, now=NOON) == 2
        state = subscription.state()
        assert (state.dead, state.retrying, accounted(state)) == (0, 3, 3)
        assert subscription.retry_dead(None, now=NOON) == 0

    def test_dead_letters_are_given_up(self, subscription: Subscription) -> None:
        subscription.advance(Progress(position=3, dead=[dead(1), dead(2), dead(3)]), now=NOON)
        assert subscription.discard_dead([1]) == 1
        assert subscription.discard_dead(None) == 2
        state = subscription.state()
        assert (state.dead, state.filtered, accounted(state)) == (0, 3, 3)
        assert subscription.dead_letters() == []

    def test_failing_since_is_the_first_failure(self, subscription: Subscription) -> None:
        subscription.report_failure("disk full", now=NOON)
        subscription.report_failure("still full", now=NOON + SECOND)
        state = subscription.state()
        assert (state.failing_since, state.last_error) == (NOON, "still full")
        subscription.report_failure(None, now=NOON + 2 * SECOND)
        assert subscription.state().failing_since is None

    def test_a_pause_is_kept(self, subscription: Subscription) -> None:
        subscription.pause(True)
        assert subscription.state().paused
        subscription.pause(False)
        assert not subscription.state().paused

    def test_replays_are_worked_off(self, subscription: Subscription) -> None:
        first = subscription.request_replay(1, 10, now=NOON)
        second = subscription.request_replay(4, 5, names=["a.*"], rate_per_s=50, now=NOON)
        assert first < second
        subscription.advance_replay(first, next_position=6, redelivered=5, checkpoint="x")
        assert subscription.replays() == [
            Replay(number=first, first=1, next=6, until=10, redelivered=5, requested_at=NOON),
            Replay(
                number=second,
                first=4,
                next=4,
                until=5,
                names=("a.*",),
                rate_per_s=50,
                redelivered=0,
                requested_at=NOON,
            ),
        ]
        subscription.advance_replay(first, next_position=11, redelivered=5, checkpoint=None)
        subscription.advance_replay(second, next_position=6, redelivered=2, checkpoint=None)
        assert subscription.replays() == []
        state = subscription.state()
        assert (state.redelivered, state.checkpoint, state.delivered) == (12, "x", 0)

    def test_a_replay_of_nothing_is_finished_at_once(self, subscription: Subscription) -> None:
        subscription.request_replay(5, 4)
        assert subscription.replays() == []

    def test_the_same_replay_asked_for_twice_is_one(self, subscription: Subscription) -> None:
        number = subscription.request_replay(1, 9, names=["b", "a"], now=NOON)
        subscription.advance_replay(number, next_position=4, redelivered=3, checkpoint=None)
        assert subscription.request_replay(1, 9, names=["a", "b"], rate_per_s=7, now=NOON) == number
        (replay,) = subscription.replays()
        assert (replay.next, replay.rate_per_s) == (4, 7)
        others = {subscription.request_replay(1, 9, now=NOON), subscription.request_replay(2, 9, now=NOON)}
        assert len(others | {number}) == 3
        subscription.advance_replay(number, next_position=10, redelivered=6, checkpoint=None)
        assert subscription.request_replay(1, 9, names=["a", "b"], now=NOON) not in {number, *others}

    def test_a_finished_replay_is_remembered(self, subscription: Subscription) -> None:
        number = subscription.request_replay(1, 9, now=NOON)
        step = {"next_position": 10, "redelivered": 4, "checkpoint": None, "given_up": 3, "gone": 2}
        subscription.advance_replay(number, **step, reason="413", now=NOON + SECOND)  # type: ignore[arg-type]
        (replay,) = subscription.finished_replays()
        assert (replay.redelivered, replay.given_up, replay.gone, replay.reason) == (4, 3, 2, "413")
        assert (replay.finished_at, replay.cancelled, replay.next) == (NOON + SECOND, False, 10)

    def test_a_cancelled_replay_ends_where_it_is(self, subscription: Subscription) -> None:
        number = subscription.request_replay(1, 9, now=NOON)
        assert subscription.cancel_replay(number, now=NOON + SECOND)
        assert subscription.replays() == []
        assert not subscription.cancel_replay(number, now=NOON)
        assert not subscription.cancel_replay(number + 9, now=NOON)
        # what was under way meanwhile counts
        subscription.advance_replay(number, next_position=4, redelivered=3, checkpoint="x")
        (replay,) = subscription.finished_replays()
        assert (replay.cancelled, replay.next, replay.redelivered) == (True, 4, 3)
        assert replay.finished_at == NOON + SECOND
        assert (subscription.state().redelivered, subscription.state().checkpoint) == (3, "x")

    def test_what_a_replay_gave_up_stays_until_somebody_saw_it(self, subscription: Subscription) -> None:
        lossy, clean = (
            subscription.request_replay(1, 2, now=NOON),
            subscription.request_replay(3, 4, now=NOON),
        )
        for number, given_up in ((lossy, 1), (clean, 0)):
            subscription.advance_replay(
                number, next_position=5, redelivered=1, checkpoint=None, given_up=given_up, now=NOON
            )
        later = NOON + REPLAYS_KEPT
        subscription.request_replay(5, 6, now=later)
        assert [replay.number for replay in subscription.finished_replays()] == [lossy, clean]
        subscription.request_replay(6, 7, now=later + SECOND)
        assert [replay.number for replay in subscription.finished_replays()] == [lossy]
        unfinished = subscription.replays()
        assert not any(replay.seen for replay in subscription.finished_replays())
        subscription.note_replays_seen()
        assert all(replay.seen for replay in subscription.finished_replays())
        assert subscription.replays() == unfinished
        assert [replay.number for replay in subscription.finished_replays()] == [lossy]
        subscription.request_replay(7, 8, now=later + SECOND)
        assert subscription.finished_replays() == []

    def test_the_oldest_that_waits(self, subscription: Subscription) -> None:
        assert subscription.oldest_waiting() is None
        rows = [waiting(3), waiting(2, due_in_s=60, attempt=4)]
        subscription.advance(Progress(position=3, waiting=rows), now=NOON)
        assert subscription.oldest_waiting() == rows[1]

    def test_a_resume_begins_the_time_of_failure_anew(self, subscription: Subscription) -> None:
        subscription.pause(False, now=NOON)
        assert subscription.state().failing_since is None
        subscription.report_failure("down", now=NOON)
        subscription.pause(True, now=NOON + SECOND)
        assert subscription.state().failing_since == NOON
        subscription.pause(False, now=NOON + SECOND)
        assert subscription.state().failing_since == NOON + SECOND

    def test_subscriptions_do_not_touch_each_other(self, log: Log, subscription: Subscription) -> None:
        other = log.subscription("other")
        subscription.advance(Progress(position=2, waiting=[waiting(1)], dead=[dead(2)]), now=NOON)
        subscription.request_replay(1, 2)
        assert (other.due(NOON, 10), other.dead_letters(), other.replays()) == ([], [], [])
        assert other.discard_dead(None) == 0
        assert accounted(other.state()) == 0

    def test_odd_events_wait_and_die_unchanged(self, subscription: Subscription) -> None:
        event = make_event(1, data=b'{"half":"\\ud800"}')
        row = Waiting(position=1, event=event, attempt=1, due_at=NOON, reason="503")
        letter = DeadLetter(position=2, event=event, attempts=1, died_at=NOON, reason="410")
        subscription.advance(Progress(position=2, waiting=[row], dead=[letter]), now=NOON)
        assert bytes(subscription.due(NOON, 1)[0].event.data) == bytes(event.data)
        assert bytes(subscription.dead_letters()[0].event.data) == bytes(event.data)

    def test_several_open_and_advance_together(self, log: Log) -> None:
        """New and old names open at once; their steps are kept in one go, and told by name."""
        first = log.subscription("first")
        opened = log.open_subscriptions({"first": "earliest", "second": "latest", "third": "earliest"})
        log.advance_all(
            [
                (opened["first"], Progress(position=3, delivered=2, filtered=1)),
                (opened["third"], Progress(position=2, delivered=1, waiting=[waiting(2, due_in_s=7)])),
                (opened["first"], Progress(position=4, filtered=1, dead=[])),
            ],
            now=NOON,
        )
        states = log.subscription_states()
        assert set(states) >= {"first", "second", "third"}
        assert (states["first"].position, states["first"].delivered, states["first"].filtered) == (4, 2, 2)
        assert states["third"].retrying == 1
        assert states["third"].next_due_at == waiting(2, due_in_s=7).due_at
        assert states["first"] == first.state()
        assert states["second"].next_due_at is None

    def test_what_waits_can_be_buried(self, subscription: Subscription) -> None:
        """Nobody tries it again by itself; it stays visible, and can be sent by hand."""
        subscription.advance(Progress(position=3, waiting=[waiting(1), waiting(3)], delivered=1), now=NOON)
        assert subscription.bury_waiting("the webhook was deleted", now=NOON) == 2
        state = subscription.state()
        assert (state.retrying, state.dead, state.next_due_at) == (0, 2, None)
        letters = subscription.dead_letters()
        assert [letter.position for letter in letters] == [1, 3]
        assert {letter.reason for letter in letters} == {"the webhook was deleted"}
        assert subscription.bury_waiting("again", now=NOON) == 0
