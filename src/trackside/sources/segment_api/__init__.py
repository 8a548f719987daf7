"""The Segment HTTP API, for any unmodified SDK."""

from trackside.sources.segment_api.settings import SegmentApiSettings
from trackside.sources.segment_api.source import SegmentApi

__all__ = ["SegmentApi", "SegmentApiSettings"]
