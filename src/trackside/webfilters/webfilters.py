"""All hooks of a process, and the question itself: `webfilter(point, data)`."""

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from trackside.errors import ConfigurationError
from trackside.event import NameFilter
from trackside.outbound.base import USER_AGENT, Answer, Failed, Fault, Outgoing
from trackside.telemetry import catalogue
from trackside.webfilters.asker import Asker
from trackside.webfilters.asking import Asks, Means, Occasion
from trackside.webfilters.audit import Auditor, ChangesShown
from trackside.webfilters.endpoints import Endpoints
from trackside.webfilters.hook import Hook, Rules
from trackside.webfilters.memory import Memory
from trackside.webfilters.moments import Moments
from trackside.webfilters.patch import applied
from trackside.webfilters.points import POINTS, FilterPoint
from trackside.webfilters.prepared import Prepared
from trackside.webfilters.question import Asking
from trackside.webfilters.records import count, question_record
from trackside.webfilters.snapshot import Unsendable, snapshot
from trackside.webfilters.tokens import Tokens
from trackside.webfilters.transactions import NOT_ASKED, may_ask

logger = logging.getLogger(__name__)


class Filtered(Struct, frozen=True):
    """What came of a question that did not stop."""

    data: Mapping[str, Any]
    """All that was asked about, changed: in the types that the point declares; the rest as it was given."""
    changes: Mapping[str, Any] = {}
    """What is different, alone, within the same objects."""
    question_id: str | None = None
    """By which the audit finds it; None where nobody was asked."""


class Webfilters:
    """Asks hooks; safe from every thread. Nothing is opened or started before the first question."""

    def __init__(
        self,
        hooks: Iterable[Hook] = (),
        *,
        asker: Asker,
        auditor: Auditor | None = None,
        rules: Rules | None = None,
        rules_of: Mapping[str, Rules] | None = None,
        changes_shown: ChangesShown | None = None,
        failures_until_probing: int = 5,
        in_transaction: Callable[[], bool] = lambda: False,
        user_agent: str = USER_AGENT,
        moments: Moments | None = None,
    ) -> None:
        """`rules_of` has the rules of single points, by name; `changes_shown` says what is recorded of changes.

        `in_transaction` tells whether the caller holds a database transaction open: nobody is asked then, unless
        somebody said so, and each hook fails by its policy.
        """
        self._asker = asker
        self._failures = failures_until_probing
        self._moments = moments or Moments()
        self._pid = os.getpid()
        self._means = self._new_means()
        self._auditor = auditor
        self._rules = rules or Rules()
        self._rules_of = dict(rules_of or {})
        self._shown = changes_shown or ChangesShown()
        self._in_transaction = in_transaction
        self._reported: set[str] = set()
        self._user_agent = user_agent
        self._hooks: Sequence[Hook] = ()
        self._of_point: dict[str, tuple[Prepared, ...]] = {}
        self.use(hooks)

    def use(self, hooks: Iterable[Hook]) -> None:
        """Ask these hooks from now on; questions under way end as they began.

        What is known of their receivers stays. A hook that cannot be used fails by its policy, unasked.
        """
        found = sorted(
            (hook for hook in hooks if hook.enabled and hook.mode != "off"),
            key=lambda hook: (hook.order, hook.name),
        )
        self._hooks = found
        self._of_point = {}
        self._means.endpoints.keep({hook.url for hook in found})

    def has_hooks(self, point: FilterPoint | str) -> bool:
        """Return whether anybody may be asked at a point."""
        return bool(self.hooks_of(_point(point) if isinstance(point, str) else point))

    def hooks_of(self, point: FilterPoint) -> Sequence[Prepared]:
        """Return who is asked at a point: changers, then deciders, each in their order."""
        found = self._of_point.get(point.name)
        if found is None:
            # read before the hooks: it belongs to them or to older ones, who keep it then
            of_point = self._of_point
            asked = [hook for hook in self._hooks if NameFilter([hook.point]).matches(point.name)]
            asked.sort(key=lambda hook: hook.kind)  # stable: changers, then deciders, each in their order
            found = tuple(Prepared(hook, point, user_agent=self._user_agent) for hook in asked)
            for each in found:
                if each.broken is not None:
                    logger.error(
                        "a hook cannot be used", extra={"hook": each.hook.name, "reason": each.broken}
                    )
            of_point[point.name] = found
        return found

    def is_left_alone(self, url: str) -> bool:
        """Return whether this process asks a receiver by one question at a time, if at all, because it failed."""
        return url in {hook.url for hook in self._hooks} and self._means.endpoints.of(url).is_left_alone

    def in_their_place(
        self, hooks: Iterable[Hook], *, asker: Asker, auditor: Auditor, budget_s: float
    ) -> "Webfilters":
        """Return what asks these hooks instead, by the same rules but for the time: for tests."""
        return Webfilters(
            hooks,
            asker=asker,
            auditor=auditor,
            rules=replace(self._rules, budget_s=budget_s),
            rules_of={name: replace(rules, budget_s=budget_s) for name, rules in self._rules_of.items()},
            in_transaction=self._in_transaction,
        )

    def ask(
        self, point: FilterPoint | str, data: Mapping[str, Any], *, ask_in_transaction: bool | None = None
    ) -> Filtered:
        """Return what came of the question, or raise the exception of the point that an answer asked for."""
        if isinstance(point, str):
            point = _point(point)
        hooks = self._of_point.get(point.name)
        if hooks is None:
            hooks = tuple(self.hooks_of(point))
        return self._asked(point, hooks, data, ask_in_transaction) if hooks else Filtered(data)

    def _asked(
        self,
        point: FilterPoint,
        hooks: Sequence[Prepared],
        data: Mapping[str, Any],
        ask_in_transaction: bool | None,
    ) -> Filtered:
        if self._pid != os.getpid():
            # after a fork locks may be held, and questions under way, by threads that are not here
            self._pid, self._means = os.getpid(), self._new_means()
        rules = self._rules_of.get(point.name, self._rules)
        occasion = self._occasion(point, rules, ask_in_transaction)
        asking = Asking(Asks(self._means, occasion), self._moments)
        try:
            asked_about = snapshot(point, data)
        except Unsendable as error:
            asking.fail(hooks, str(error))
        else:
            asking.run(hooks, asked_about, chained=rules.chained)
        if asking.was_for_nobody:
            return Filtered(data)
        if occasion.in_transaction:
            self._tell_of_transaction(point, refused=occasion.refusal is not None)
        self._leave_record(point, asking)
        if asking.halted_by is not None and asking.halted_by.stop is not None:
            raise asking.halted_by.stop.error
        if not asking.changed_paths:
            return Filtered(data, {}, occasion.question_id)
        whole, changes = applied(point, data, asking.data.document, asking.changed_paths)
        return Filtered(whole if changes else data, changes, occasion.question_id)

    def _occasion(self, point: FilterPoint, rules: Rules, said: bool | None) -> Occasion:
        began_s, in_transaction = self._moments.monotonic(), self._in_transaction()
        refused = in_transaction and not may_ask(point, self._rules, self._rules_of, said=said)
        return Occasion(
            question_id=self._moments.new_id(),
            at=self._moments.now(),
            began_s=began_s,
            budget_s=rules.budget_s,
            in_transaction=in_transaction,
            refusal=NOT_ASKED if refused else None,
        )

    def _tell_of_transaction(self, point: FilterPoint, *, refused: bool) -> None:
        if not refused:
            catalogue.WEBFILTER_IN_TRANSACTION.add(1, point.name)
            return
        catalogue.WEBFILTER_NOT_ASKED_IN_TRANSACTION.add(1, point.name)
        if point.name not in self._reported:
            self._reported.add(point.name)
            logger.warning(
                "nobody is asked while a database transaction is open: ask before it is opened, or allow it with"
                " ask_in_transaction, in the call, the declaration of the point or the settings",
                extra={"point": point.name},
            )

    def _new_means(self) -> Means:
        moments = self._moments
        return Means(
            asker=self._asker,
            endpoints=Endpoints(failures=self._failures, monotonic=moments.monotonic, random=moments.random),
            memory=Memory(moments.monotonic),
            tokens=Tokens(self._asker, moments.monotonic),
            moments=moments,
        )

    def _leave_record(self, point: FilterPoint, asking: Asking) -> None:
        duration_s = self._moments.monotonic() - asking.occasion.began_s
        try:
            count(point, asking, self._means.endpoints, duration_s=duration_s)
            if self._auditor is not None:
                self._auditor.record(question_record(point, asking, self._shown, duration_s=duration_s))
        except Exception:  # the border: the platform goes on without a record, and somebody sees it
            catalogue.WEBFILTER_AUDIT_FAILURES.add(1)
            logger.exception("a question could not be recorded", extra={"point": point.name})


class Nobody:
    """Asks nobody: what a process has before `install`."""

    def ask(self, requests: Sequence[Outgoing], *, budget_s: float) -> Sequence[Answer | Failed]:  # noqa: ARG002
        """Return that there is nothing to ask with."""
        return [Failed(fault=Fault.LOCAL, detail="nothing is installed", maybe_sent=False)] * len(requests)


_NONE: Final = Webfilters(asker=Nobody())
_standing_by: Webfilters = _NONE
_installed: Webfilters = _NONE


def webfilter(
    point: FilterPoint | str, data: Mapping[str, Any], *, ask_in_transaction: bool | None = None
) -> Filtered:
    """Ask the hooks of a point whether the platform may act, and return the data as they changed it.

    Raises the exception of the point that an answer asked for, and nothing else that depends on an answer;
    ConfigurationError where no point of that name is declared. Waits no longer than the point's budget, and not at
    all where no hook is set. While the caller holds a database transaction open nobody is asked, and each hook fails
    by its policy, unless `ask_in_transaction` allows it, or the settings or the declaration of the point do.
    """
    return _installed.ask(point, data, ask_in_transaction=ask_in_transaction)


def has_hooks(point: FilterPoint | str) -> bool:
    """Return whether anybody may be asked at a point: where nobody is, its data need not be gathered."""
    return _installed.has_hooks(point)


def install(webfilters: Webfilters | None) -> Webfilters | None:
    """Let `webfilter` ask these from now on, None: whoever stands by; return what it asked before."""
    global _installed  # one process has one set of hooks, as it has one tracker
    before, _installed = installed(), webfilters or _standing_by
    return before


def installed() -> Webfilters | None:
    """Return what `webfilter` asks; None where nothing was installed."""
    return None if _installed is _standing_by else _installed


def asked_now() -> Webfilters:
    """Return what `webfilter` asks: what is installed, what stands by, or nobody."""
    return _installed


def stand_by(webfilters: Webfilters | None) -> None:
    """Let `webfilter` ask these wherever nothing is installed: a host's own hooks, as those of its database."""
    global _standing_by, _installed  # noqa: PLW0603  # one process has one set of hooks
    before, _standing_by = _standing_by, webfilters or _NONE
    if _installed is before:
        _installed = _standing_by


def _point(name: str) -> FilterPoint:
    try:
        return POINTS[name]
    except KeyError:
        known = ", ".join(sorted(POINTS)) or "none"
        raise ConfigurationError(f"there is no filter point {name!r}; declared are: {known}") from None
