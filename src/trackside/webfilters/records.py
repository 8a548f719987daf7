"""What a finished question leaves behind: its record, and its numbers."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from operator import attrgetter

from trackside.telemetry import catalogue
from trackside.webfilters.asking import Turn
from trackside.webfilters.audit import Changed, ChangesShown, Conflict, Decision, HookRecord, Question
from trackside.webfilters.endpoints import Endpoints
from trackside.webfilters.points import FilterPoint, Path
from trackside.webfilters.question import Asking
from trackside.webfilters.snapshot import NOTHING

_fail_open = attrgetter("fail_open")


def question_record(
    point: FilterPoint, asking: Asking, shown: ChangesShown, *, duration_s: float
) -> Question:
    """Return the record of a question."""
    halted_by, occasion = asking.halted_by, asking.occasion
    hooks = tuple([_hook_record(turn, shown) for turn in asking.turns])
    return Question(
        id=occasion.question_id,
        point=point.name,
        asked_at=occasion.at,
        input_hash="" if asking.asked_about is NOTHING else asking.asked_about.hash,
        decision=_decision(asking),
        would_be=_would_be(hooks),
        hooks=hooks,
        exception=halted_by.stop.name if halted_by and halted_by.stop else None,
        halted_by=halted_by.prepared.hook.name if halted_by else None,
        patch=() if halted_by else _last_changes(hooks),
        conflicts=_conflicts(asking) if len(hooks) > 1 else (),
        fail_open=any(map(_fail_open, hooks)),
        in_transaction=occasion.in_transaction,
        duration_s=duration_s,
        budget_s=occasion.budget_s,
    )


def count(point: FilterPoint, asking: Asking, endpoints: Endpoints, *, duration_s: float) -> None:
    """Add a question to the metrics."""
    catalogue.WEBFILTER_S.observe(duration_s, point.name)
    catalogue.WEBFILTER_DECISIONS.add(1, point.name, _decision(asking))
    if len(asking.turns) > 1 and (conflicts := _conflicts(asking)):
        catalogue.WEBFILTER_CONFLICTS.add(len(conflicts), point.name)
    for turn in asking.turns:
        hook = turn.prepared.hook
        catalogue.WEBFILTER_HOOKS.add(1, hook.name, hook.mode, turn.outcome)
        if turn.outcome != "skipped":
            catalogue.WEBFILTER_HOOK_S.observe(turn.latency_s, hook.name)
            endpoint = turn.endpoint or endpoints.of(hook.url)
            catalogue.WEBFILTER_LEFT_ALONE.set(int(endpoint.is_left_alone), hook.name)
        if turn.outcome == "failed" and _is_fail_open(turn):
            catalogue.WEBFILTER_FAIL_OPEN.add(1, hook.name)


def _hook_record(turn: Turn, shown: ChangesShown) -> HookRecord:
    hook = turn.prepared.hook
    return HookRecord(
        hook=hook.name,
        mode=hook.mode,
        kind=hook.kind,
        outcome=turn.outcome,
        reason=turn.reason,
        halts=turn.stop is not None,
        exception=turn.stop.name if turn.stop else None,
        patch=shown.of(turn.changes) if turn.changes else (),
        status=getattr(turn.reply, "status", None),
        latency_s=turn.latency_s,
        fail_open=_is_fail_open(turn),
        cached=turn.cached,
    )


def _is_fail_open(turn: Turn) -> bool:
    return turn.outcome == "failed" and turn.stop is None and turn.prepared.obeyed


def _decision(asking: Asking) -> Decision:
    if asking.halted_by is not None:
        return "halted"
    return "changed" if asking.changed_paths else "passed"


def _would_be(hooks: Sequence[HookRecord]) -> Decision:
    would_be: Decision = "passed"
    for hook in hooks:
        if hook.halts:
            return "halted"
        if hook.patch:
            would_be = "changed"
    return would_be


def _last_changes(hooks: Sequence[HookRecord]) -> Sequence[Changed]:
    if len(hooks) == 1:  # nearly always; who changes a field, changes it once
        return hooks[0].patch if hooks[0].mode == "enforce" else ()
    kept = {change.path: change for hook in hooks if hook.mode == "enforce" for change in hook.patch}
    return tuple(kept.values())


def _conflicts(asking: Asking) -> Sequence[Conflict]:
    """Return the fields that several hooks changed, also where one changed what another one's lies in."""
    return tuple(_found_conflicts(asking.changed_paths))


def _found_conflicts(paths: Mapping[Path, Sequence[str]]) -> Iterator[Conflict]:
    for path, hooks in paths.items():
        if len(hooks) > 1:
            yield Conflict(path=".".join(path), hooks=tuple(hooks))
    for (path, hooks), (other, others) in combinations(paths.items(), 2):
        outer = min(path, other, key=len)
        if path[: len(outer)] == other[: len(outer)] and {*hooks} != {*others}:
            yield Conflict(path=".".join(outer), hooks=(*hooks, *others))
