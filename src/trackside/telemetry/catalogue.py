"""Every metric and every internal event of Trackside, declared once.

Operators build dashboards and alerts on these: a name, a label or a payload's field changes only with a line
in the changelog. Times are in seconds, sizes in bytes.
"""

from datetime import datetime

from msgspec import Struct

from trackside.telemetry.metrics import Counter, Gauge, Histogram, Tally
from trackside.telemetry.signals import Signal

_LATENCIES_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

# The way in.
REQUESTS = Counter(
    "trackside_requests_total",
    "Requests answered, by source (empty where none was addressed) and HTTP status.",
    ("source", "status"),
)
REQUEST_BYTES = Counter(
    "trackside_request_bytes_total", "Bytes of request bodies taken in, after decompression.", ("source",)
)
REQUESTS_SHED = Counter(
    "trackside_requests_shed_total",
    "Requests told to come back later: queue_full, log_unavailable, users_unavailable, buffers or connections.",
    ("reason",),
)
CONNECTIONS = Gauge("trackside_connections", "Connections open now.")
EVENTS_ACCEPTED = Counter(
    "trackside_events_accepted_total", "Events stored durably; each is new to the log.", ("source",)
)
EVENTS_DUPLICATES = Counter(
    "trackside_events_duplicates_total",
    "Events not stored again because their id was in the log already.",
    ("source",),
)
EVENTS_REJECTED = Counter(
    "trackside_events_rejected_total",
    "Items that could not become an event, by reason.",
    ("source", "reason"),
)
EVENTS_DROPPED = Counter(
    "trackside_events_dropped_total",
    "Events a processor decided to drop, by its reason.",
    ("source", "reason"),
)
EVENTS_IGNORED = Counter(
    "trackside_events_ignored_total",
    "Items that were none of ours by the source's settings, by reason: type_not_allowed, name_not_allowed, …",
    ("source", "reason"),
)
PROCESSOR_FAILURES = Counter(
    "trackside_processor_failures_total",
    "Exceptions raised by a processor; the event goes to the rejects.",
    ("processor",),
)
SDK_METRICS_DISCARDED = Counter(
    "trackside_sdk_metrics_discarded_total",
    "Measurements that Segment's libraries send about themselves; answered and not kept.",
    ("source",),
)

# The tracker: events that the application's own code emits.
EMITTED = Tally("trackside_emitted_total", "Events emitted by the application's own code.")
EMITTED_DROPPED = Counter(
    "trackside_emitted_dropped_total",
    "Emitted events that went no further on one branch, by reason: filtered, sampled_out, processor_failed,"
    " oversize, unencodable, on_commit_failed, no_tracker, tracker_failed or signal_failed.",
    ("reason",),
)
SIGNALS_IGNORED = Counter(
    "trackside_signals_ignored_total",
    "Signals of Open edX that are no events, by reason: from_event_bus (the service that sent them has the event), own"
    " (our own event bus backend sends it) or actor (`signals.ignore_actors`).",
    ("reason",),
)
FILTERS_FAILED = Counter(
    "trackside_filters_failed_total",
    "Filters of Open edX that went on without an answer because of us, by what failed: tell (what is sent), ask, change"
    " or save.",
    ("what",),
)
TRACKER_BACKEND_FAILURES = Counter(
    "trackside_tracker_backend_failures_total",
    "Exceptions raised by a tracker's backend; the event did not get there.",
    ("backend",),
)
TRACKER_PROCESSOR_FAILURES = Counter(
    "trackside_tracker_processor_failures_total",
    "Exceptions raised by a tracker's processor; one that fails closed drops the event, others are skipped.",
    ("processor",),
)
TRACKER_UNTRANSFORMED = Counter(
    "trackside_tracker_untransformed_total",
    "Events that a transformer left as they were because a field was missing or of another type.",
    ("transformer",),
)
BACKEND_DROPPED = Counter(
    "trackside_backend_dropped_total",
    "Events a tracker's backend gave up, by reason: queue_full, oversize, unencodable, refused, retries_exhausted"
    " or exit (the process ended before they could be written).",
    ("backend", "reason"),
)
BACKEND_DELAYS = Counter(
    "trackside_backend_delays_total",
    "Times a tracker's backend could not pass on what it holds, and will try again.",
    ("backend",),
)
BACKEND_WAITING_BYTES = Gauge(
    "trackside_backend_waiting_bytes", "Bytes of events waiting in a tracker's backend.", ("backend",)
)
BROWSER_EVENTS_REFUSED = Counter(
    "trackside_browser_events_refused_total",
    "Requests to a site's /event that became no event, by reason: method, foreign, malformed, too_large, gone"
    " or name_not_allowed.",
    ("reason",),
)
LEGACY_BACKEND_FAILURES = Counter(
    "trackside_legacy_backend_failures_total",
    "Exceptions raised by a backend of TRACKING_BACKENDS; the event did not get there.",
    ("backend",),
)

# The outbox: events that wait for the commit of the application's own transaction.
OUTBOX_ROWS = Counter(
    "trackside_outbox_rows_total",
    "Rows written into the application's transactions, those rolled back included.",
)
OUTBOX_UNSTORED = Counter(
    "trackside_outbox_unstored_total",
    "Events that could not become a row and were sent by the process itself, after the commit.",
)
OUTBOX_MOVED = Counter("trackside_outbox_moved_total", "Events moved on from the outbox.")
OUTBOX_SET_ASIDE = Counter(
    "trackside_outbox_set_aside_total", "Events of the outbox that somebody has to decide about."
)
OUTBOX_WAITING = Gauge("trackside_outbox_waiting_events", "Events in the outbox.", merge="latest")
OUTBOX_OLDEST_S = Gauge(
    "trackside_outbox_oldest_seconds", "Age of the oldest event in the outbox.", merge="latest"
)

# The log.
LOG_COMMIT_S = Histogram(
    "trackside_log_commit_seconds",
    "Time of one group commit, from the first byte written to fsync's return.",
    bounds=_LATENCIES_S,
)
LOG_COMMIT_EVENTS = Histogram(
    "trackside_log_commit_events",
    "Events in one group commit.",
    bounds=(1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000),
)
LOG_QUEUE_BYTES = Gauge("trackside_log_queue_bytes", "Bytes waiting for a commit.")
LOG_QUEUE_EVENTS = Gauge("trackside_log_queue_events", "Events waiting for a commit.")
LOG_UNAVAILABLE = Counter(
    "trackside_log_unavailable_total",
    "Group commits that failed; their senders were told to come back later.",
)
LOG_REMOVED_EVENTS = Counter("trackside_log_removed_events_total", "Events removed by retention.")
LOG_EVENTS = Gauge("trackside_log_events", "Events the log holds.", merge="latest")
LOG_LAST_POSITION = Gauge(
    "trackside_log_last_position", "Position of the log's newest event.", merge="latest"
)
LOG_BYTES = Gauge("trackside_log_bytes", "Size of the log on disk.", merge="latest")

# The way out.
DELIVERY_ATTEMPTS = Counter(
    "trackside_delivery_attempts_total",
    "Events a destination tried to deliver, repeats included.",
    ("destination",),
)
DELIVERY_OUTCOMES = Counter(
    "trackside_delivery_outcomes_total",
    "What became of events at a destination: delivered, filtered, retry, dead, redelivered, or given_up"
    " (by a replay).",
    ("destination", "outcome"),
)
DELIVERY_SEND_S = Histogram(
    "trackside_delivery_send_seconds",
    "Time a destination took for one group of events.",
    ("destination",),
    bounds=_LATENCIES_S,
)
DELIVERY_LAG_S = Gauge(
    "trackside_delivery_lag_seconds",
    "Age of the newest event delivered, at the moment of its delivery.",
    ("destination",),
    merge="latest",
)
DESTINATION_PENDING = Gauge(
    "trackside_destination_pending_events", "Events not tried yet.", ("destination",), merge="latest"
)
DESTINATION_OLDEST_PENDING_S = Gauge(
    "trackside_destination_oldest_pending_seconds",
    "Age of the oldest event that is not dealt with, not tried yet or waiting for another try; 0: there is none.",
    ("destination",),
    merge="latest",
)
DESTINATION_RETRYING = Gauge(
    "trackside_destination_retrying_events",
    "Events waiting for another try.",
    ("destination",),
    merge="latest",
)
DESTINATION_DEAD = Gauge(
    "trackside_destination_dead_events",
    "Dead letters: events that somebody has to decide about.",
    ("destination",),
    merge="latest",
)
DESTINATION_FAILING = Gauge(
    "trackside_destination_failing",
    "1 while the destination takes nothing, else 0.",
    ("destination",),
    merge="latest",
)
OF_DESTINATIONS = (
    DELIVERY_LAG_S,
    DESTINATION_PENDING,
    DESTINATION_OLDEST_PENDING_S,
    DESTINATION_RETRYING,
    DESTINATION_DEAD,
    DESTINATION_FAILING,
)
"""What is told of a destination for as long as there is one of that name."""
DELIVERY_FAILURES = Counter(
    "trackside_delivery_failures_total",
    "Exceptions raised by a destination; its events are tried again.",
    ("destination",),
)
ATTEMPTS_KEPT = Counter("trackside_attempts_kept_total", "Attempts of webhooks kept to be looked at.")
ATTEMPTS_DROPPED = Counter(
    "trackside_attempts_dropped_total",
    "Attempts of webhooks that were made, and of which nothing is kept: there was no room for them.",
    ("destination",),
)

OUTBOUND_REFUSED_ADDRESSES = Counter(
    "trackside_outbound_refused_addresses_total",
    "Requests that were not sent because their URL, or an address it led to, is not to be reached.",
)
OUTBOUND_SECOND_TRIES = Counter(
    "trackside_outbound_second_tries_total",
    "Requests sent once more because the other side had closed a kept connection meanwhile.",
)

# Webfilters: questions that the platform waits for.
WEBFILTER_S = Histogram(
    "trackside_webfilter_seconds",
    "Time the platform waited for the answer to a question, all hooks together.",
    ("point",),
    bounds=_LATENCIES_S,
)
WEBFILTER_HOOK_S = Histogram(
    "trackside_webfilter_hook_seconds", "Time a hook took to answer.", ("hook",), bounds=_LATENCIES_S
)
WEBFILTER_DECISIONS = Counter(
    "trackside_webfilter_decisions_total",
    "Questions by what came of them: passed, changed, or halted (the platform's action was stopped).",
    ("point", "decision"),
)
WEBFILTER_HOOKS = Counter(
    "trackside_webfilter_hooks_total",
    "What hooks said: passed, changed, halted, failed, or skipped (not asked); in mode shadow it was not obeyed.",
    ("hook", "mode", "outcome"),
)
WEBFILTER_FAIL_OPEN = Counter(
    "trackside_webfilter_fail_open_total",
    "Times a hook had no usable answer and the platform went on all the same.",
    ("hook",),
)
WEBFILTER_CONFLICTS = Counter(
    "trackside_webfilter_conflicts_total", "Fields that several hooks of one question changed.", ("point",)
)
WEBFILTER_LEFT_ALONE = Gauge(
    "trackside_webfilter_left_alone",
    "1 while a hook's receiver fails so often that it is asked by one question at a time, if at all; else 0.",
    ("hook",),
    merge="latest",
)
WEBFILTER_IN_TRANSACTION = Counter(
    "trackside_webfilter_in_transaction_total",
    "Questions asked while the application held a database transaction open, which somebody allowed.",
    ("point",),
)
WEBFILTER_NOT_ASKED_IN_TRANSACTION = Counter(
    "trackside_webfilter_not_asked_in_transaction_total",
    "Questions that nobody was asked, because the application held a database transaction open.",
    ("point",),
)
WEBFILTER_ROWS_FAILURES = Counter(
    "trackside_webfilter_rows_failures_total",
    "Times the webfilters of the database could not be read; those that were known last go on.",
)
WEBFILTER_AUDIT_FAILURES = Counter(
    "trackside_webfilter_audit_failures_total", "Questions that could not be recorded."
)

# The server itself.
PROCESSES = Gauge("trackside_processes", "Processes reporting.")
BUILD = Gauge(
    "trackside_build_info", "Always 1; the labels say what runs.", ("version", "python"), merge="latest"
)


class LogCommitted(Struct, frozen=True, kw_only=True, gc=False):
    """A group of batches is durable."""

    stored: int
    """New events."""
    duplicates: int
    rejects: int
    last: int
    """The log's last position."""
    duration_s: float


class LogUnavailable(Struct, frozen=True, kw_only=True, gc=False):
    """A group commit failed; nothing of it was kept."""

    reason: str


class DestinationStateChanged(Struct, frozen=True, kw_only=True, gc=False):
    """A destination went from one state to another."""

    destination: str
    before: str
    """running, waiting, paused or stopped."""
    state: str
    """running, waiting, paused or stopped."""
    reason: str | None
    """What it last failed with, where it waits, or why it was paused, where it paused itself."""


class DestinationDisabled(Struct, frozen=True, kw_only=True, gc=False):
    """A destination was paused without an operator: it wants nothing any more, or failed for too long."""

    destination: str
    reason: str


class DeliveryFailed(Struct, frozen=True, kw_only=True, gc=False):
    """An attempt to deliver an event failed."""

    destination: str
    position: int
    event_id: str
    name: str
    attempt: int
    """1 for the first."""
    reason: str
    next_at: datetime | None
    """When it is tried again; None: it is not tried again by itself."""


class EventDeadLettered(Struct, frozen=True, kw_only=True, gc=False):
    """An event will not be tried again by itself."""

    destination: str
    position: int
    event_id: str
    name: str
    attempts: int
    reason: str


class ProcessorFailed(Struct, frozen=True, kw_only=True, gc=False):
    """A processor raised; the event it was given went to the rejects."""

    processor: str
    source: str
    error: str
    """The exception's type; its text may hold data of users."""


LOG_COMMITTED = Signal("log.committed", LogCommitted)
LOG_UNAVAILABLE_NOW = Signal("log.unavailable", LogUnavailable)
DESTINATION_STATE_CHANGED = Signal("destination.state_changed", DestinationStateChanged)
DESTINATION_DISABLED = Signal("destination.disabled", DestinationDisabled)
DELIVERY_FAILED = Signal("delivery.failed", DeliveryFailed)
EVENT_DEAD_LETTERED = Signal("event.dead_lettered", EventDeadLettered)
PROCESSOR_FAILED = Signal("processor.failed", ProcessorFailed)
