"""Why a call of Segment's protocol could not become an event."""

from trackside.sources.refusal import Refusal

NO_BATCH = Refusal("invalid_batch", 'the body must be a JSON object with a list "batch" that is not empty')
INVALID_KEY = Refusal(
    "invalid_write_key",
    "invalid write key: send a configured one as the user name of Basic authorization, or as writeKey",
)
MISSING_TYPE = Refusal(
    "missing_type", "the event has no type; want track, identify, page, screen, group or alias"
)
MISSING_EVENT = Refusal("missing_event", "a track call needs a name: set event to a text that is not empty")
MISSING_IDENTITY = Refusal("missing_identity", "the event says of nobody: set userId or anonymousId")
MISSING_GROUP_ID = Refusal("missing_group_id", "a group call needs groupId")
MISSING_PREVIOUS_ID = Refusal("missing_previous_id", "an alias call needs previousId and userId")


def unknown_type(name: str) -> Refusal:
    """Return the refusal of an event whose type is `name`."""
    return Refusal(
        "unknown_type", f"type is {name[:40]!r}; want track, identify, page, screen, group or alias"
    )
