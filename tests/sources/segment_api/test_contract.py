"""The contract of every source, on Segment's API."""

from tests.sources.segment_api.requests import SENT_AT, batch, make_source, post, track
from trackside.sources.base import Request
from trackside.sources.segment_api import SegmentApi
from trackside.testing.source_contract import SourceContract


class TestOneEvent(SourceContract):
    """A single call."""

    def make_source(self) -> SegmentApi:
        """Return the source."""
        return make_source()

    def good_request(self) -> Request:
        """Return one event."""
        return post("/v1/track", track(sentAt=SENT_AT))


class TestBatch(TestOneEvent):
    """A batch."""

    def good_request(self) -> Request:
        """Return three events."""
        return post("/v1/batch", batch(*(track(messageId=f"message-{number}") for number in range(3))))
