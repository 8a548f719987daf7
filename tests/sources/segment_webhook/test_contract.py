"""The webhook passes what every source passes."""

from tests.sources.segment_webhook.requests import call, post, source
from trackside.sources.base import Request
from trackside.sources.segment_webhook import SegmentWebhook
from trackside.testing.source_contract import SourceContract


class TestCurrentGeneration(SourceContract):
    """The current generation."""

    unauthorized_status = 401

    def make_source(self) -> SegmentWebhook:
        """Return a webhook."""
        return source()

    def good_request(self) -> Request:
        """Return a call of a known account."""
        return post(call())


class TestGeneration2014(TestCurrentGeneration):
    """The generation of 2014."""

    def make_source(self) -> SegmentWebhook:
        """Return a webhook of 2014."""
        return source(generation="2014")

    def good_request(self) -> Request:
        """Return a call of 2014."""
        said = {"event_type": "edx.done", "event": {"a": 1}, "context": {}}
        return post(call(channel="mobile", action="Track", properties=said))
