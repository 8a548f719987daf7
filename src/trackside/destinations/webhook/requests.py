"""The request of one attempt: the event's body, and around it who sends, which event it is, and the signature."""

from typing import Final
from urllib.parse import quote

from trackside.destinations.base import Delivery
from trackside.destinations.webhook.bodies import Body
from trackside.destinations.webhook.settings import ATTEMPT, WebhookSettings
from trackside.outbound.base import Outgoing
from trackside.outbound.signing import ID, TIMESTAMP, Signer

_VISIBLE: Final = "".join(map(chr, range(0x21, 0x7F)))


class Requests:
    """Makes requests as the settings of one webhook say."""

    def __init__(self, settings: WebhookSettings, *, user_agent: str) -> None:
        """Raises ConfigurationError for a secret that is none."""
        self._url = settings.url
        self._method = settings.method
        self._timeout_s = settings.timeout_s
        self._signer = Signer(settings.secrets) if settings.secrets else None
        self._user_agent = ("User-Agent", user_agent)

    def make(self, delivery: Delivery, body: Body, *, at_s: int) -> Outgoing:
        """Return the request of this attempt, which is made at `at_s` (seconds since 1970, UTC)."""
        message_id = webhook_id(delivery.event.id)
        signed = (
            ((ID, message_id), (TIMESTAMP, str(at_s)))
            if self._signer is None
            else self._signer.headers(message_id, body.content, at_s=at_s)
        )
        return Outgoing(
            url=self._url,
            method=self._method,
            timeout_s=self._timeout_s,
            body=body.content,
            headers=(
                self._user_agent,
                ("Content-Type", body.content_type),
                *signed,
                (ATTEMPT, str(delivery.attempt)),
            ),
        )


def webhook_id(event_id: str) -> str:
    """Return an event's id as a header can hold it: what is not visible ASCII is percent-encoded."""
    if event_id.isascii() and event_id.isprintable() and " " not in event_id:
        return event_id
    return quote(event_id, safe=_VISIBLE, errors="replace")
