"""Every kind of source and destination there is, with what it may be told."""

from msgspec import Struct

from trackside.destinations.base import DestinationSettings
from trackside.destinations.files import FilesSettings
from trackside.destinations.http import HttpSettings
from trackside.destinations.segment import SegmentSettings
from trackside.destinations.sql import SqlSettings
from trackside.destinations.tracking_log import TrackingLogSettings
from trackside.destinations.webhook import WebhookSettings
from trackside.sources.browser import BrowserSettings
from trackside.sources.client_clock import AppRtcSettings
from trackside.sources.segment_api import SegmentApiSettings
from trackside.sources.segment_webhook import SegmentWebhookSettings

SOURCE_KINDS: dict[str, type[Struct]] = {
    "apprtc": AppRtcSettings,
    "browser": BrowserSettings,
    "segment": SegmentApiSettings,
    "segment_webhook": SegmentWebhookSettings,
}
DESTINATION_KINDS: dict[str, type[DestinationSettings]] = {
    "files": FilesSettings,
    "http": HttpSettings,
    "segment": SegmentSettings,
    "sql": SqlSettings,
    "tracking_log": TrackingLogSettings,
    "webhook": WebhookSettings,
}
