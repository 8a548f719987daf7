"""Segment's webhook: Segment's servers post what a source of theirs collected. Both generations of it."""

from trackside.sources.segment_webhook.event import WebhookEvent
from trackside.sources.segment_webhook.receive import Received, Webhook
from trackside.sources.segment_webhook.settings import SegmentWebhookSettings
from trackside.sources.segment_webhook.source import SegmentWebhook

__all__ = ["Received", "SegmentWebhook", "SegmentWebhookSettings", "Webhook", "WebhookEvent"]
