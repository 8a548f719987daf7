"""What the tracker and its backends share: the event as a dict, its copy, its JSON, and who waits for a commit."""

from typing import Any

from trackside.emitted.commit import CommitWaiter, commit_waiters, waiting_for_commit
from trackside.emitted.copying import copy_event
from trackside.emitted.encoding import (
    DateTimeJSONEncoder,
    Unencodable,
    dumps,
    encode_json,
    in_ascii,
    known_as_json,
    plain,
)
from trackside.emitted.now import SENDS_BESIDE_NOW, also_now
from trackside.emitted.written import SENDS_BESIDE_WRITTEN, UnwrittenEvent, WrittenEvent, also_written

EmittedEvent = dict[str, Any]
"""`name`, `timestamp` (aware, UTC), `data` and `context`, in this order, as `Tracker.emit` makes it.

One that `Tracker.emit_event` takes may say more, which a log keeps: `user_id`, of whom it tells, where that is not
the context's; and `extra`, in JSON's own types, what the event's `extra` has beside that a tracker emitted it.
"""

__all__ = [
    "SENDS_BESIDE_NOW",
    "SENDS_BESIDE_WRITTEN",
    "CommitWaiter",
    "DateTimeJSONEncoder",
    "EmittedEvent",
    "Unencodable",
    "UnwrittenEvent",
    "WrittenEvent",
    "also_now",
    "also_written",
    "commit_waiters",
    "copy_event",
    "dumps",
    "encode_json",
    "in_ascii",
    "known_as_json",
    "plain",
    "waiting_for_commit",
]
