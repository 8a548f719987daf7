"""Why a report could not become an event; its sender is only told INVALID_REQUEST."""

from trackside.sources.refusal import Refusal

NOT_A_REPORT = Refusal("not_an_object", "the body must be a JSON object")
NO_TYPE = Refusal("missing_type", 'the report has no type; want "event"')
NO_REQUEST_TIME = Refusal(
    "missing_time", "request_time_ms is missing; want the client's milliseconds since 1970"
)
UNKNOWN_TYPE = Refusal("unknown_type", 'the type is unknown; want "event"')
NO_EVENT = Refusal("missing_event", "the report has no event; want an object")
NOT_AN_EVENT = Refusal("not_an_object", "event must be an object")
NO_EVENT_TYPE = Refusal("missing_event", "event.event_type is missing; want a number or a text")
OUT_OF_BOUNDS = Refusal(
    "time_out_of_bounds",
    "by these times the event happened before 1970 or after 2100; want milliseconds since 1970",
)


def invalid_time(member: str) -> Refusal:
    """Return the refusal of a report whose `member` is no number of milliseconds."""
    return Refusal("invalid_time", f"{member} must be a number of milliseconds, or a text that is one")
