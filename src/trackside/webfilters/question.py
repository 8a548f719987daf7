"""One question from its first request to its decision: who is asked when, and what of the answers counts."""

from collections.abc import Iterable, Mapping, Sequence

from trackside.document.encoding import Document
from trackside.webfilters.asking import Asks, Turn
from trackside.webfilters.halting import halt_of
from trackside.webfilters.moments import Moments
from trackside.webfilters.patch import patched
from trackside.webfilters.points import Path, Unfit
from trackside.webfilters.prepared import Prepared
from trackside.webfilters.replies import Failure, judge
from trackside.webfilters.snapshot import NOTHING, Snapshot


class Asking:
    """One question under way; made for it and used once.

    `occasion` says which one. `turns` are its hooks, those that are asked first in front; `asked_about` the data as it
    was given, `data` as it is by now; `halted_by` the first whose answer halts. What is in here is all our own: nobody
    else's data has changed.
    """

    def __init__(self, asks: Asks, moments: Moments) -> None:
        self.turns: list[Turn] = []
        self.occasion = asks.occasion
        self.data = self.asked_about = NOTHING
        self.halted_by: Turn | None = None
        self._asks = asks
        self._moments = moments
        self._changed_paths: Mapping[Path, Sequence[str]] | None = None

    def run(self, hooks: Iterable[Prepared], data: Snapshot, *, chained: bool) -> None:
        """Ask: changers, then deciders, as they are given.

        `chained`: each changer sees what those before it changed; else all see the data as it was.
        """
        self.data = self.asked_about = data
        last: list[Turn] = []
        for prepared in hooks:
            turn = self._turn(prepared)
            if self.halted_by is not None:
                turn.skip("halted before")
            elif reason := self._why_not(prepared):
                turn.skip(reason)
            elif chained and prepared.hook.kind == "changer" and prepared.obeyed:
                self._ask([turn])
            else:
                last.append(turn)  # in shadow too: who is not obeyed takes no time from who is
        if self.halted_by is not None:
            for turn in last:
                turn.skip("halted before")
        elif last:
            self._ask(last)

    @property
    def was_for_nobody(self) -> bool:
        """Whether none of the hooks was asked, and none failed."""
        return all(turn.outcome == "skipped" for turn in self.turns)

    @property
    def changed_paths(self) -> Mapping[Path, Sequence[str]]:
        """The paths that obeyed hooks changed, each with their names in order; once all have answered."""
        if self._changed_paths is None:
            self._changed_paths = self._found_changes()
        return self._changed_paths

    def _found_changes(self) -> Mapping[Path, Sequence[str]]:
        paths: dict[Path, list[str]] = {}
        for turn in self.turns:
            if turn.changes and turn.prepared.obeyed:
                for change in turn.changes:
                    paths.setdefault(change.path, []).append(turn.prepared.hook.name)
        return paths

    def fail(self, hooks: Iterable[Prepared], reason: str) -> None:
        """Ask nobody, because there is nothing that could be sent; each hook fails by its policy."""
        for prepared in hooks:
            turn = self._turn(prepared)
            turn.failure = Failure(kind="unusable", reason=reason)
            self._settle(turn)

    def _turn(self, prepared: Prepared) -> Turn:
        turn = Turn(prepared=prepared, seen=self.data)
        self.turns.append(turn)
        return turn

    def _why_not(self, prepared: Prepared) -> str | None:
        share = prepared.hook.sample_share
        if share < 1 and self._moments.random() >= share:
            return "not in the sample"
        return None if prepared.matches(self.data) else "where does not ask for it"

    def _ask(self, turns: Sequence[Turn]) -> None:
        self._asks.ask(turns)
        for turn in turns:
            self._settle(turn)

    def _settle(self, turn: Turn) -> None:
        """Note what the turn came to, and let it count where it does."""
        self._hear(turn)
        self._asks.remember(turn)
        if turn.failure is not None:
            turn.outcome, turn.reason = "failed", turn.failure.reason
            turn.stop = halt_of(turn.prepared, turn.failure)
        if turn.stop is not None and turn.prepared.obeyed and self.halted_by is None:
            self.halted_by = turn

    def _hear(self, turn: Turn) -> None:
        if turn.failure is not None or turn.reply is None:
            return
        question_id = None if turn.cached else self.occasion.question_id
        said = judge(turn.prepared, turn.reply, question_id=question_id)
        if isinstance(said, Failure):
            turn.failure = said
        elif said.stop is not None:
            turn.outcome, turn.stop = "halted", said.stop
        elif said.data:
            self._change(turn, said.data)

    def _change(self, turn: Turn, data: Document) -> None:
        before: Snapshot = self.data if turn.prepared.obeyed else turn.seen
        earlier = self._obeyed_paths() if turn.prepared.obeyed and len(self.turns) > 1 else ()
        try:
            after, turn.changes = patched(turn.prepared, before.document, data, earlier=earlier)
        except Unfit as unfit:
            turn.failure = Failure(kind="unusable", reason=str(unfit), status=_status(turn))
            return
        except Exception as error:  # noqa: BLE001  # the border: no answer may reach the platform as an exception
            reason = f"the changes cannot be made: {type(error).__name__}"
            turn.failure = Failure(kind="unusable", reason=reason, status=_status(turn))
            return
        if turn.changes:
            turn.outcome = "changed"
            if turn.prepared.obeyed:
                self.data = Snapshot(after)

    def _obeyed_paths(self) -> Sequence[Path]:
        return [change.path for turn in self.turns if turn.prepared.obeyed for change in turn.changes]


def _status(turn: Turn) -> int | None:
    return getattr(turn.reply, "status", None)
