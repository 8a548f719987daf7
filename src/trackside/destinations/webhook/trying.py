"""A test event to a webhook's URL, sent as delivery would send it; nothing of it is kept."""

import asyncio
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from trackside.destinations.answers import Taken, judge
from trackside.destinations.base import Delivery
from trackside.destinations.connecting import Connect, connector, policy_of
from trackside.destinations.webhook.bodies import Bodies
from trackside.destinations.webhook.requests import Requests
from trackside.destinations.webhook.settings import WebhookSettings
from trackside.errors import ConfigurationError
from trackside.event import Event
from trackside.outbound.base import Answer

NAME: Final = "trackside.test"
EXCERPT_BYTES: Final = 1_024

Now = Callable[[], datetime]


class Trial(Struct, frozen=True, kw_only=True):
    """What came of a test event."""

    taken: bool
    """Whether delivery would count the event as delivered."""
    status: int | None
    """The answer's, or None where there was none."""
    duration_s: float
    excerpt: str
    """The first KB of the answer, as far as it is text."""
    sentence: str
    """What came of it, for people."""


def _event(asked_by: str, at: datetime) -> Event:
    """Return the event: its data say what it is and who asked for it."""
    data = {"message": "This is a test of a webhook.", "asked_by": asked_by}
    return Event(
        id=f"test-{uuid.uuid4()}",
        name=NAME,
        type="track",
        source="trackside",
        timestamp=at,
        received_at=at,
        data=Raw(msgspec.json.encode(data)),
        context=Raw(b"{}"),
    )


async def try_out(
    settings: WebhookSettings,
    connect: Connect,
    *,
    asked_by: str,
    user_agent: str,
    now: Now = lambda: datetime.now(UTC),
) -> Trial:
    """Send a test event once and return what came of it. Raises ConfigurationError.

    Its body, signature, credentials, deadline and address rules are those of delivery; only `where` and `events`,
    which choose among real events, do not count.
    """
    at = now()
    if reason := policy_of(settings).why_not_url(settings.url):
        return _untried(f"url must not be asked: {reason}")
    event = _event(asked_by, at)
    body = Bodies(replace(settings, where={})).make(event)
    if body is None:
        raise ConfigurationError("the settings make no body of a test event")
    request = Requests(settings, user_agent=user_agent).make(
        Delivery(0, event), body, at_s=int(at.timestamp())
    )
    client = connect()
    try:
        reply = await client.send(request)
    finally:
        await client.close()
    verdict = judge(reply, refuse_statuses=settings.refuse_statuses, now=now)
    answer = reply if isinstance(reply, Answer) else None
    return Trial(
        taken=isinstance(verdict, Taken),
        status=answer.status if answer else None,
        duration_s=reply.duration_s,
        excerpt=answer.body[:EXCERPT_BYTES].decode("utf-8", "replace") if answer else "",
        sentence="delivered" if isinstance(verdict, Taken) else verdict.reason,
    )


def try_out_now(settings: WebhookSettings, data_dir: Path, *, asked_by: str, user_agent: str) -> Trial:
    """Return what came of a test event, for callers without an event loop. Raises ConfigurationError."""
    connect = connector(settings, data_dir, user_agent=user_agent)
    return asyncio.run(try_out(settings, connect, asked_by=asked_by, user_agent=user_agent))


def _untried(sentence: str) -> Trial:
    return Trial(taken=False, status=None, duration_s=0.0, excerpt="", sentence=sentence)
