"""The contract of every source, on the LMS's browser events."""

from urllib.parse import urlencode

from tests.sources.browser.requests import (
    PLAIN,
    SAID,
    Accounts,
    as_json,
    form,
    get,
    make_source,
    multipart,
    post,
)
from trackside.sources.base import Request
from trackside.sources.browser import Browser
from trackside.testing.source_contract import SourceContract


class TestForm(SourceContract):
    """A form, as jQuery sends it."""

    unauthorized_status = None

    def make_source(self) -> Browser:
        """Return the source."""
        return make_source()

    def good_request(self) -> Request:
        """Return one event."""
        return form()


class TestQuery(TestForm):
    """A GET."""

    def good_request(self) -> Request:
        """Return one event."""
        return get(urlencode(SAID).encode())


class TestJson(TestForm):
    """JSON, as a beacon sends it, from a user who has to be looked up."""

    def make_source(self) -> Browser:
        """Return the source."""
        return make_source(directory=Accounts(honor=7))

    def good_request(self) -> Request:
        """Return one event."""
        return post(as_json(event={"username": "honor"}), PLAIN)


class TestMultipart(TestForm):
    """A form of FormData."""

    def good_request(self) -> Request:
        """Return one event."""
        return post(multipart(SAID), b"multipart/form-data; boundary=b0undary")
