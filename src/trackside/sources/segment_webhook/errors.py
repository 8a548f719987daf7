"""Why a call of Segment's webhook is not taken.

The sentences that begin with ERROR_ are those of the Open edX platform, where they have been looked up for years;
the sender never sees them in the current generation. Source: `segmentio.py` of the platform, 2014 and 2025.
"""

from typing import Final

from trackside.sources.refusal import Refusal

ERROR_UNAUTHORIZED: Final = "Unauthorized"
ERROR_MISSING_USER_ID: Final = "Required user_id missing from context"
ERROR_USER_NOT_EXIST: Final = "Specified user does not exist"
ERROR_INVALID_USER_ID: Final = "Unable to parse userId as an integer"
ERROR_INVALID_CONTEXT_FIELD_TYPE: Final = "The properties.context field is not a dict."
ERROR_INVALID_DATA_FIELD_TYPE: Final = "The properties.data field is not a dict."
ERROR_MISSING_DATA: Final = "The data field must be specified in the properties dictionary"
ERROR_MISSING_NAME: Final = "The name field must be specified in the properties dictionary"
ERROR_MISSING_TIMESTAMP: Final = "Required timestamp field not found"
ERROR_MISSING_RECEIVED_AT: Final = "Required receivedAt field not found"
ERROR_MISSING_EVENT_TYPE: Final = "The event_type field must be specified in the properties dictionary"
WARNING_IGNORED_CHANNEL: Final = "Channel ignored"
WARNING_IGNORED_ACTION: Final = "Action ignored"

UNAUTHORIZED = Refusal("unauthorized", ERROR_UNAUTHORIZED)
MISSING_USER_ID = Refusal("missing_user_id", ERROR_MISSING_USER_ID)
USER_NOT_EXIST = Refusal("unknown_user", ERROR_USER_NOT_EXIST)
INVALID_USER_ID = Refusal("invalid_user_id", ERROR_INVALID_USER_ID)
INVALID_CONTEXT = Refusal("invalid_context", ERROR_INVALID_CONTEXT_FIELD_TYPE)
INVALID_DATA = Refusal("invalid_data", ERROR_INVALID_DATA_FIELD_TYPE)
MISSING_DATA = Refusal("missing_data", ERROR_MISSING_DATA)
MISSING_NAME = Refusal("missing_name", ERROR_MISSING_NAME)
MISSING_TIMESTAMP = Refusal("missing_timestamp", ERROR_MISSING_TIMESTAMP)
MISSING_RECEIVED_AT = Refusal("missing_received_at", ERROR_MISSING_RECEIVED_AT)
MISSING_EVENT_TYPE = Refusal("missing_event_type", ERROR_MISSING_EVENT_TYPE)
INVALID_SIGNATURE = Refusal("invalid_signature", "X-Signature is missing, or is not that of the body")
UNSIGNED_ITEM = Refusal(
    "unsigned_item",
    "Segment signs only the first event of a batch; set signed_batches, or switch batching off in Segment",
)
NOT_JSON_TYPE = Refusal(
    "invalid_content_type", "Content-Type is not application/json, so the body is not read"
)
EMPTY_BODY = Refusal("empty_body", "the body is empty")
EMPTY_BATCH = Refusal("empty_batch", "the batch holds no event")

LIBRARY_IGNORED: Final = "library_not_allowed"
TYPE_IGNORED: Final = "type_not_allowed"
NAME_IGNORED: Final = "name_not_allowed"
CHANNEL_IGNORED: Final = "channel_not_allowed"
ACTION_IGNORED: Final = "action_not_allowed"
