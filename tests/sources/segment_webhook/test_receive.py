"""The parts of receiving that a caller may use by themselves."""

from typing import Any

import pytest

from tests.sources.segment_webhook.requests import Accounts, call, post
from trackside.config.settings import LimitSettings
from trackside.sources.base import NeedsUsers
from trackside.sources.segment_webhook import Received, Webhook
from trackside.sources.segment_webhook.settings import WebhookRules


def webhook(**rules: Any) -> Webhook:
    return Webhook("mobile", WebhookRules(**rules), Accounts(honor=10), LimitSettings())


@pytest.mark.parametrize(
    ("rules", "query", "admitted"),
    [
        ({"secret": "x"}, b"key=x", True),
        ({"secret": "x"}, b"key=y", False),
        ({"secret": None}, b"key=", False),
        ({"secret": None, "shared_secret": None}, b"key=None", False),
        ({"shared_secret": "s"}, b"", True),
        ({"secret": "x", "shared_secret": "s"}, b"", False),
    ],
)
def test_who_is_worth_reading(rules: dict[str, Any], query: bytes, admitted: bool) -> None:
    """Told from the query alone, so that nobody else's body has to be read."""
    assert webhook(**rules).admits(query) is admitted


def test_a_call_whose_sender_is_known_is_read_whatever_its_head() -> None:
    """Neither key nor content type nor method are looked at."""
    receiving = webhook()
    request = post(call(), query=b"", method="GET", content_type=b"text/plain")
    asked = receiving.read(request)
    assert isinstance(asked, NeedsUsers)
    asked.directory.load(asked.wanted)
    received = receiving.read(request)
    assert isinstance(received, Received)
    assert [event.name for event in received.events] == ["edx.bi.app.something"]
