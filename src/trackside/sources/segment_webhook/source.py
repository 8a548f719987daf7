"""The webhook as a source of the server: events in the context of their request, ready for the log."""

from collections.abc import Callable, Mapping
from secrets import randbits

from trackside.clock import Flag
from trackside.config.settings import LimitSettings
from trackside.event import Event
from trackside.sources.base import Decoded, NeedsUsers, Request
from trackside.sources.message_id import new_id
from trackside.sources.platform import RequestContexts, platform_event, time_text
from trackside.sources.segment_webhook.event import WebhookEvent
from trackside.sources.segment_webhook.receive import Webhook
from trackside.sources.segment_webhook.settings import SegmentWebhookSettings
from trackside.users.base import Directory

_CORRECTED = (Flag.ALREADY_CORRECTED.value,)
_CORRECTED_FUTURE = (Flag.FUTURE.value, *_CORRECTED)


class SegmentWebhook:
    """The source behind one path that Segment's servers post to."""

    __slots__ = ("_contexts", "_paths", "_random_bits", "_webhook")

    def __init__(
        self,
        name: str,
        settings: SegmentWebhookSettings,
        users: Directory,
        *,
        limits: LimitSettings,
        random_bits: Callable[[int], int] = randbits,
    ) -> None:
        self._webhook = Webhook(name, settings, users, limits)
        self._paths = frozenset({settings.path, settings.path.rstrip("/"), settings.path.rstrip("/") + "/"})
        self._random_bits = random_bits
        self._contexts = RequestContexts()

    def handles(self, path: str) -> bool:
        """Return whether requests for `path` are for this source."""
        return path in self._paths

    def decode(self, request: Request) -> Decoded | NeedsUsers:
        """Return the events, the rejects and the answer a request leads to. Never raises."""
        received = self._webhook.receive(request)
        if isinstance(received, NeedsUsers):
            return received
        around = self._contexts.of(request) if received.events else {}
        return Decoded(
            reply=received.reply,
            events=[self._event(event, around, request) for event in received.events],
            rejects=received.rejects,
            ignored=received.ignored,
            source=self._webhook.name,
        )

    def _event(self, said: WebhookEvent, around: Mapping[str, object], request: Request) -> Event:
        context = {**around, **said.context}
        received_at = request.received_at
        in_time = said.timestamp <= received_at
        context["timestamp"] = time_text(said.timestamp)
        if said.upstream_received_at is not None:
            context["received_at"] = time_text(said.upstream_received_at)
        return platform_event(
            said.name,
            said.data,
            context,
            id=said.id or new_id(received_at, self._random_bits),
            source=self._webhook.name,
            timestamp=said.timestamp if in_time else received_at,
            received_at=received_at,
            user_id=said.user_id,
            type=said.type,
            anonymous_id=said.anonymous_id,
            original_timestamp=said.original_timestamp or said.timestamp_text,
            sent_at=said.sent_at,
            clock_flags=_CORRECTED if in_time else _CORRECTED_FUTURE,
        )
