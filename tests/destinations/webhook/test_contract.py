"""A webhook keeps the contract of a destination."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

import pytest

from tests.destinations.webhook.receiver import Receiver
from trackside.destinations.base import Destination
from trackside.destinations.webhook import Webhook, WebhookSettings, connector, policy_of
from trackside.destinations.webhook.settings import Format
from trackside.testing.destination_contract import DestinationContract


class WebhookContract(DestinationContract):
    """A receiver on this machine, and the real client."""

    format: Format = "json"
    ordering: Literal["none", "user"] = "none"

    @pytest.fixture(autouse=True)
    def _receiving(self) -> Iterator[None]:
        with Receiver() as self.receiver:
            yield

    def make_destination(self, folder: Path) -> Destination:
        """Return a webhook to the receiver; one request after the other, so that the order can be seen."""
        settings = WebhookSettings(
            url=self.receiver.url,
            format=self.format,
            ordering=self.ordering,
            concurrency=1,
            allow_private_networks=True,
            secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        )
        connect = connector(settings, folder, user_agent="Trackside/test")
        return Webhook(settings, connect, why_not=policy_of(settings).why_not_url)

    def received(self, folder: Path) -> list[str]:
        """Return the ids that were answered 200."""
        return self.receiver.taken

    def broken(self, folder: Path) -> AbstractContextManager[None]:
        """Return a receiver that answers 500."""
        return self.receiver.broken()


class TestJson(WebhookContract):
    """The default."""


class TestCloudEvents(WebhookContract):
    """CloudEvents."""

    format = "cloudevents"


class TestForm(WebhookContract):
    """Forms, each user's events in order."""

    format = "form"
    ordering = "user"


class TestOpenEdx(WebhookContract):
    """The layout of openedx-webhooks."""

    format = "openedx"
