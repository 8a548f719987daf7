"""The models of the app."""

from trackside.django.outbox.models import OutboxLock, OutboxRow, SetAsideRow
from trackside.django.state.models import TrackerState
from trackside.django.webfilters.models import Webfilter, WebfilterQuestion
from trackside.django.webhooks.models import ApiToken, Webhook

__all__ = [
    "ApiToken",
    "OutboxLock",
    "OutboxRow",
    "SetAsideRow",
    "TrackerState",
    "Webfilter",
    "WebfilterQuestion",
    "Webhook",
]
