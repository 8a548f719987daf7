"""What a call of the webhook becomes in Python: the context its event is emitted in, its data."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from trackside.sources.segment_webhook import WebhookEvent

CONTEXT_NAME = "edx.segmentio"
"""What the context is called among the others of a request."""

_DECODER = msgspec.json.Decoder()


def context_of(event: WebhookEvent) -> dict[str, Any]:
    """Return what goes over the request's own context; its times are aware datetimes."""
    context: dict[str, Any] = {key: plain(value) for key, value in event.context.items()}
    context["timestamp"] = event.timestamp
    if event.upstream_received_at is not None:
        context["received_at"] = event.upstream_received_at
    return context


def plain(value: object) -> Any:
    """Return the value with every piece of JSON in it decoded."""
    if isinstance(value, Raw):
        try:
            return _DECODER.decode(value)
        except msgspec.MsgspecError:
            return json.loads(bytes(value))  # which reads numbers that are too large as infinity
    if isinstance(value, Mapping):
        return {key: plain(member) for key, member in value.items()}
    return value
