"""A hook tried out: its receiver is asked as a question would ask it, and nothing is counted, kept or changed."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from trackside.outbound.base import USER_AGENT
from trackside.webfilters.asker import Asker
from trackside.webfilters.asking import Asks, Means, Occasion
from trackside.webfilters.audit import ChangesShown, Question
from trackside.webfilters.endpoints import Endpoints
from trackside.webfilters.examples import example_of
from trackside.webfilters.hook import Hook
from trackside.webfilters.memory import Memory
from trackside.webfilters.moments import Moments
from trackside.webfilters.points import FilterPoint
from trackside.webfilters.prepared import Prepared
from trackside.webfilters.question import Asking
from trackside.webfilters.records import question_record
from trackside.webfilters.snapshot import Unsendable, snapshot
from trackside.webfilters.tokens import Tokens

ID_PREFIX: Final = "test-"
"""The id of a question that is none begins with this: a receiver may want to tell."""


def try_out(
    hook: Hook,
    point: FilterPoint,
    *,
    asker: Asker,
    data: Mapping[str, Any] | None = None,
    user_agent: str = USER_AGENT,
    moments: Moments | None = None,
) -> Question:
    """Return the record that a question with this hook alone, obeyed, would leave; raises nothing of an answer.

    `data` is what is asked about, else example data of the point. The receiver is asked whatever the hook's mode,
    share and `where` are, and whether or not it is left alone.
    """
    moments = moments or Moments()
    occasion = Occasion(
        question_id=ID_PREFIX + moments.new_id(),
        at=moments.now(),
        began_s=moments.monotonic(),
        budget_s=hook.timeout_s,
    )
    asking = Asking(Asks(_means(asker, moments), occasion), moments)
    prepared = [Prepared(_obeyed(hook), point, user_agent=user_agent)]
    try:
        asked_about = snapshot(point, example_of(point) if data is None else data)
    except Unsendable as error:
        asking.fail(prepared, str(error))
    else:
        asking.run(prepared, asked_about, chained=True)
    duration_s = moments.monotonic() - occasion.began_s
    return question_record(point, asking, ChangesShown(), duration_s=duration_s)


def _obeyed(hook: Hook) -> Hook:
    return replace(
        hook, enabled=True, mode="enforce", sample_share=1.0, where={}, cache_s=0, failure_cache_s=0
    )


def _means(asker: Asker, moments: Moments) -> Means:
    """Return means that remember nothing of others, and of which others remember nothing."""
    return Means(
        asker=asker,
        endpoints=Endpoints(failures=1, monotonic=moments.monotonic, random=moments.random),
        memory=Memory(moments.monotonic),
        tokens=Tokens(asker, moments.monotonic),
        moments=moments,
    )
