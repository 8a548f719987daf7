"""Webfilters of a platform that ask a receiver of a test."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.openedx.filters.host.receiver import Receiver
from trackside.outbound.base import Answer, Failed, Outgoing
from trackside.outbound.blocking import BlockingClient
from trackside.outbound.policy import AddressPolicy
from trackside.webfilters import Asker, Hook, Question, Rules, Webfilters, install

Records = list[Question]


class Keeping:
    """An auditor."""

    def __init__(self) -> None:
        self.questions: Records = []

    def record(self, question: Question) -> None:
        """Keep it."""
        self.questions.append(question)


class Answering:
    """An asker that asks nobody: every answer is `body`."""

    def __init__(self) -> None:
        self.body = b"{}"

    def ask(self, requests: Sequence[Outgoing], *, budget_s: float) -> list[Answer | Failed]:
        """Answer."""
        return [Answer(status=200, headers={}, body=self.body) for _ in requests]


@contextmanager
def obeyed(receiver: Receiver, *more: Hook, asker: Asker | None = None, **settings: Any) -> Iterator[Records]:
    """Ask the receiver at every filter while the block runs; yield the records of the questions."""
    client, keeping = BlockingClient(policy=AddressPolicy(allow_private_networks=True)), Keeping()
    hook = Hook(
        **{
            "name": "receiver",
            "point": "*",
            "url": receiver.url,
            "failure_cache_s": 0,
            "timeout_s": 5,
            **settings,
        }
    )
    before = install(
        Webfilters(
            [hook, *more],
            asker=asker or client,
            auditor=keeping,
            rules=Rules(budget_s=10),
            failures_until_probing=1_000,
        )
    )
    try:
        yield keeping.questions
    finally:
        install(before)
        client.close()
