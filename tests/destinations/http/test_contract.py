"""Batches to a URL keep the contract of a destination."""

import gzip
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.destinations.webhook.receiver import Received, Receiver, Reply
from trackside.destinations.base import Destination
from trackside.destinations.connecting import connector, policy_of
from trackside.destinations.http import Http, HttpSettings
from trackside.testing.destination_contract import DestinationContract


def ids_of(body: bytes) -> list[str]:
    """Return the ids in a body, without looking into what may be nested too deeply for Python."""
    assert body.endswith(b"\n")
    return [line.split(b'"', 4)[3].decode() for line in body.split(b"\n")[:-1]]


def body_of(request: Received) -> bytes:
    """Return the body, its content encoding undone."""
    return gzip.decompress(request.body) if "content-encoding" in request.headers else request.body


class TestHttp(DestinationContract):
    """A receiver on this machine, and the real client."""

    gzip = False

    @pytest.fixture(autouse=True)
    def _receiving(self) -> Iterator[None]:
        self.bodies: list[bytes] = []

        def take(request: Received) -> Reply:
            self.bodies.append(body_of(request))
            return Reply()

        with Receiver(take) as self.receiver:
            yield

    def make_destination(self, folder: Path) -> Destination:
        """Return a destination that posts to the receiver, one batch after the other so that the order can be seen."""
        settings = HttpSettings(
            url=self.receiver.url,
            batch_events=40,
            concurrency=1,
            gzip=self.gzip,
            allow_private_networks=True,
            secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        )
        connect = connector(settings, folder, user_agent="Trackside/test")
        return Http(settings, connect, why_not=policy_of(settings).why_not_url)

    def received(self, folder: Path) -> list[str]:
        """Return the ids in the requests that were answered 200."""
        return [each for body in self.bodies for each in ids_of(body)]

    def broken(self, folder: Path) -> AbstractContextManager[None]:
        """Return a receiver that answers 500."""
        return self.receiver.broken()


class TestCompressed(TestHttp):
    """The same with compressed requests."""

    gzip = True
