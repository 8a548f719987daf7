"""Why something could not become an event: one word for machines, one sentence for people."""

from msgspec import Struct


class Refusal(Struct, frozen=True, gc=False):
    """The item or request is not taken."""

    reason: str
    detail: str


class RefusedError(Exception):
    """Raised inside a source, many steps deep, and turned into a value before it leaves."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


INVALID_UTF8 = Refusal("invalid_json", "the body is not UTF-8; send JSON in UTF-8")
INVALID_JSON = Refusal("invalid_json", "the body is not JSON")
TOO_DEEP = Refusal("too_deep", "the JSON is nested too deeply; send it flatter")
TOO_MANY_VALUES = Refusal("too_many_values", "the body holds too many values; send smaller batches")
NOT_AN_OBJECT = Refusal("not_an_object", "an event must be a JSON object")
UNREADABLE_NUMBER = Refusal("number_too_long", "a number has more than 4300 digits; send it as text")


def invalid_field(name: str, want: str) -> Refusal:
    """Return the refusal of an event whose member `name` is not what it must be."""
    return Refusal("invalid_field", f"{name} must be {want}")


def too_large(size_bytes: int, limit_bytes: int) -> Refusal:
    """Return the refusal of an event of that size."""
    return Refusal(
        "event_too_large",
        f"the event has {size_bytes} bytes; want at most {limit_bytes} (limits.event_bytes)",
    )


def too_many_events(number: int, limit: int) -> Refusal:
    """Return the refusal of what a batch holds beyond the limit."""
    return Refusal(
        "batch_too_long", f"{number} events are beyond the first {limit} of the batch (limits.batch_events)"
    )
