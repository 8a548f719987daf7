"""What is taken down of an attempt, so that people can look at it: everything but secrets."""

from asyncio import AbstractEventLoop
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, assert_never
from urllib.parse import urlsplit, urlunsplit

from msgspec.structs import replace

from trackside.attempts.base import Ending, Headers, Outcome, Recorder, Sending
from trackside.destinations.answers import Failure, NotAsked, Taken, Unwanted, Verdict
from trackside.destinations.base import Delivery, Gone
from trackside.destinations.webhook.settings import WebhookSettings
from trackside.outbound.base import Answer, Failed, Outgoing

HIDDEN: Final = "[hidden]"
_HIDDEN: Final = HIDDEN.encode()
BROKEN_OFF: Final = Ending(
    outcome="unknown", duration_s=0.0, reason="it was broken off: this process stopped, or failed"
)
_SESSION_HEADERS: Final = frozenset({"set-cookie", "authorization", "proxy-authorization"})
_SHORTEST_SECRET: Final = 6
"""What is shorter could be part of anything."""


class Recording:
    """Takes down the attempts of one webhook."""

    def __init__(self, settings: WebhookSettings, recorder: Recorder) -> None:
        self._recorder = recorder
        self._hidden = tuple((name, HIDDEN) for name in _names(settings))
        self._replaced = frozenset(name.lower() for name, _ in self._hidden)
        self._secrets = tuple(
            (secret, secret.encode()) for secret in _secrets(settings) if len(secret) >= _SHORTEST_SECRET
        )
        self._url = shown_url(settings.url)

    def gather(self, loop: AbstractEventLoop) -> None:
        """Note from now on once a turn of that loop."""
        self._recorder.gather(loop)

    def begin(self, delivery: Delivery, request: Outgoing, *, at_us: int) -> int | None:
        """Note what is about to be sent, at `at_us` (microseconds since 1970, UTC); return the key for `end`."""
        headers = request.headers
        if self._hidden:
            headers = [*(each for each in headers if each[0].lower() not in self._replaced), *self._hidden]
        event = delivery.event
        return self._recorder.begin(
            Sending(
                position=delivery.position,
                event_id=event.id,
                event_name=event.name,
                number=delivery.attempt,
                began_us=at_us,
                method=request.method,
                url=self._url,
                headers=headers,
                body=request.body,
            )
        )

    def end(self, key: int | None, reply: Answer | Failed, verdict: Verdict) -> None:
        """Note what was answered, and what that means."""
        if key is None:
            return
        outcome, reason = _told(verdict)
        if isinstance(reply, Failed):
            ending = Ending(
                outcome=outcome, duration_s=reply.duration_s, fault=str(reply.fault), reason=reason
            )
        else:
            ending = Ending(
                outcome=outcome,
                duration_s=reply.duration_s,
                status=reply.status,
                reason=reason,
                headers=self._answered(reply.headers),
                body=self._without_secrets(reply.body),
                truncated=reply.truncated,
            )
        self._recorder.end(key, ending)

    def break_off(self, key: int | None, duration_s: float) -> None:
        """Note that nobody waits for the answer any more."""
        self._recorder.end(key, replace(BROKEN_OFF, duration_s=duration_s))

    def _answered(self, headers: Mapping[str, str]) -> Headers:
        return [
            (name, HIDDEN if name in _SESSION_HEADERS else self._text_without_secrets(value))
            for name, value in headers.items()
        ]

    def _without_secrets(self, body: bytes) -> bytes:
        """Return the body of an answer without what it repeats of our secrets, as a receiver for tests does."""
        for _, secret in self._secrets:
            body = body.replace(secret, _HIDDEN)
        return body

    def _text_without_secrets(self, text: str) -> str:
        for secret, _ in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text


def shown_url(url: str) -> str:
    """Return a URL without the values of its query, where tokens stand."""
    parts = urlsplit(url)
    if not parts.query:
        return url
    names = (field.partition("=") for field in parts.query.split("&"))
    query = "&".join(f"{name}{equals}{HIDDEN if value else ''}" for name, equals, value in names)
    return urlunsplit(parts._replace(query=query))


def _names(settings: WebhookSettings) -> Iterable[str]:
    names = list(settings.headers)
    if (
        settings.bearer_token
        or settings.basic_username
        or settings.basic_password
        or settings.oauth_token_url
    ):
        names.append("Authorization")
    return names


def _secrets(settings: WebhookSettings) -> Iterator[str]:
    yield from settings.secrets
    yield from settings.headers.values()
    if settings.basic_username or settings.basic_password:
        yield b64encode(f"{settings.basic_username}:{settings.basic_password}".encode()).decode()
    for secret in (settings.bearer_token, settings.basic_password, settings.oauth_client_secret):
        if secret:
            yield secret


def _told(verdict: Verdict) -> tuple[Outcome, str | None]:
    match verdict:
        case Taken():
            return "delivered", None
        case Failure(reason=reason):
            return "failed", reason
        case Unwanted(reason=reason):
            return "refused", reason
        case Gone(reason=reason):
            return "gone", reason
        case NotAsked(reason=reason):
            return "not_asked", reason
        case never:
            assert_never(never)
