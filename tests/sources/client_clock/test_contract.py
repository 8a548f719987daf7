"""The contract of every source, on AppRTC's analytics page."""

from tests.sources.client_clock.requests import make_source, post, report
from trackside.sources.base import Request
from trackside.sources.client_clock import AppRtc
from trackside.testing.source_contract import RECEIVED_AT, SourceContract


class TestAppRtc(SourceContract):
    """One report, as the web application sends it."""

    unauthorized_status = None

    def make_source(self) -> AppRtc:
        """Return the source."""
        return make_source()

    def good_request(self) -> Request:
        """Return one event."""
        return post(report(), {b"content-type": b"text/plain;charset=UTF-8"}, received_at=RECEIVED_AT)


class TestReadClosely(TestAppRtc):
    """One with a member that AppRTC does not know."""

    def good_request(self) -> Request:
        """Return one event."""
        return post(report({"battery": 0.5}), received_at=RECEIVED_AT)
