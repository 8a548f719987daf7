"""What a call of the webhook becomes: an event of the platform, not yet in any request's context."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Raw, Struct


class WebhookEvent(Struct, frozen=True, kw_only=True, gc=False):
    """One event; its values are JSON ready to be stored."""

    name: str
    data: Raw
    context: Mapping[str, object]
    """What goes over the request's own context: text, whole numbers and Raw JSON."""
    user_id: int | str
    timestamp_text: str
    timestamp: datetime
    """When it happened, as Segment's servers corrected it; aware, UTC."""
    upstream_received_at: datetime | None
    """When Segment's servers received it; None where the call does not say (`delete`)."""
    type: str = "track"
    id: str | None = None
    """Segment's message id."""
    anonymous_id: str | None = None
    original_timestamp: str | None = None
    sent_at: str | None = None
