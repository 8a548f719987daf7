"""Webfilters: before a platform acts it asks outside services whether it may, and lets them change data.

    from trackside.webfilters import FilterPoint, webfilter

    result = webfilter("enrollment.requested", data={"user": …, "course_id": …, "mode": "audit"})
    enrol(user, mode=result.data["mode"])

points      what is sent, what may be changed, which exceptions there are
hook        who is asked, and what happens with the answer; tables, checks: how it is read, whether it can be
prepared    a hook made ready; snapshot: the data as it is sent; layout: for old receivers; credentials, tokens
asking      requests in the budget; asker: their client; endpoints: who is left alone; memory: what is not asked twice
replies     what an answer says; halting: when a failure halts; patch: changes within what may be changed
question    one question; records, audit: what it leaves behind
webfilters  all hooks of a process; transactions: whether they may be asked in one
trial       one hook tried out, with the example data of its point (examples)
"""

from trackside.webfilters.asker import Asker
from trackside.webfilters.audit import (
    ASKED,
    Auditor,
    ChangesShown,
    EmittingAuditor,
    HookRecord,
    Question,
    event_data,
)
from trackside.webfilters.checks import problems
from trackside.webfilters.hook import Hook, Rules
from trackside.webfilters.points import POINTS, FilterPoint, RedirectUrl, Stops
from trackside.webfilters.tables import read_hook, read_hooks
from trackside.webfilters.trial import try_out
from trackside.webfilters.webfilters import (
    Filtered,
    Webfilters,
    has_hooks,
    install,
    installed,
    stand_by,
    webfilter,
)

__all__ = [
    "ASKED",
    "POINTS",
    "Asker",
    "Auditor",
    "ChangesShown",
    "EmittingAuditor",
    "FilterPoint",
    "Filtered",
    "Hook",
    "HookRecord",
    "Question",
    "RedirectUrl",
    "Rules",
    "Stops",
    "Webfilters",
    "event_data",
    "has_hooks",
    "install",
    "installed",
    "problems",
    "read_hook",
    "read_hooks",
    "stand_by",
    "try_out",
    "webfilter",
]
