"""One request of Segment's servers: who sent it, what it holds, what it is answered. A pure function behind the
server's source and behind the view in Django.
"""

import logging
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Raw, Struct

from trackside.config.settings import LimitSettings
from trackside.event import Reject
from trackside.sources.base import NeedsUsers, Reply, Request
from trackside.sources.json_text import (
    LONGEST_NUMBER,
    clean,
    has_lines,
    has_too_many_values,
    has_unreadable_number,
    is_deeper,
    one_line,
    repair,
)
from trackside.sources.refusal import (
    INVALID_JSON,
    INVALID_UTF8,
    NOT_AN_OBJECT,
    TOO_DEEP,
    TOO_MANY_VALUES,
    UNREADABLE_NUMBER,
    Refusal,
    RefusedError,
    too_large,
    too_many_events,
)
from trackside.sources.segment_webhook import errors, replies
from trackside.sources.segment_webhook.call import CALL
from trackside.sources.segment_webhook.current import CurrentReader
from trackside.sources.segment_webhook.event import WebhookEvent
from trackside.sources.segment_webhook.generation_2014 import Reader2014
from trackside.sources.segment_webhook.settings import WebhookRules
from trackside.sources.segment_webhook.signature import Keys, Signatures
from trackside.users.base import Directory, NotLoadedError, Wanted

logger = logging.getLogger("trackside.segment_webhook")

REJECT_BYTES: Final = 8_192
METHODS: Final = frozenset({"POST", "PUT", "PATCH"})

_BATCH = msgspec.json.Decoder(list[Raw])
_RAW = msgspec.json.Decoder(Raw)
_OPEN_LIST = b"["
_WHITE_SPACE = b" \t\r\n"
_MESSAGES: Final = {
    errors.CHANNEL_IGNORED: errors.WARNING_IGNORED_CHANNEL,
    errors.ACTION_IGNORED: errors.WARNING_IGNORED_ACTION,
}


class Received(Struct, frozen=True, kw_only=True, gc=False):
    """What a request meant."""

    reply: Reply
    events: Sequence[WebhookEvent] = ()
    rejects: Sequence[Reject] = ()
    ignored: Sequence[str] = ()


class Webhook:
    """Receives for one source: `receive` is the whole of it. Never raises for any input, and waits for nothing."""

    __slots__ = (
        "_current",
        "_keys",
        "_needs_key",
        "_old",
        "_reader",
        "_rules",
        "_signatures",
        "limits",
        "name",
        "users",
    )

    def __init__(self, name: str, rules: WebhookRules, users: Directory, limits: LimitSettings) -> None:
        self.name = name
        self.users = users
        self._rules = rules
        self.limits = limits
        self._keys = Keys(rules.secrets)
        self._signatures = Signatures(rules.shared_secrets)
        self._old = rules.generation == "2014"
        self._current = CurrentReader(rules)
        self._reader = Reader2014(rules) if self._old else self._current
        self._needs_key = bool(rules.secrets)

    def receive(self, request: Request) -> Received | NeedsUsers:
        """Return the events, the rejects and the answer: 405, 401, 400 for what is no JSON, otherwise 200.

        In generation 2014 each refusal is answered 400, with its reason.
        """
        if request.method not in METHODS:
            return Received(reply=replies.NOT_A_POST)
        if not self.admits(request.query):
            return self._refuse_all(request, errors.UNAUTHORIZED, b"")
        if self._signatures.wanted and not self._signatures.fits(
            request.headers.get(b"x-signature"), request.body
        ):
            return self._refuse_all(request, errors.INVALID_SIGNATURE, b"")
        content_type = request.headers.get(b"content-type", b"")
        if b"application/json" not in content_type and b"application/json" not in content_type.lower():
            return self._refuse_all(request, errors.NOT_JSON_TYPE, request.body)
        if not request.body:
            return self._refuse_all(request, errors.EMPTY_BODY, b"")
        return self.read(request)

    def admits(self, query: bytes) -> bool:
        """Return whether a request with this query string is worth reading: it has the key, or will be signed."""
        return self._keys.opens(query) if self._needs_key else self._signatures.wanted

    def read(self, request: Request) -> Received | NeedsUsers:
        """Do as `receive` with the JSON of a request whose sender is known: nothing but its body is looked at."""
        try:
            usual = self._read_quickly(request.body)
            if usual is not None:
                return usual
            return _Reading(self, request).read(_checked(request.body))
        except RefusedError as error:
            return self._refuse_all(request, error.refusal, request.body)
        except RecursionError:  # at thousands of levels the decoder will not even skip over them
            return self._refuse_all(request, TOO_DEEP, request.body)

    def _refuse_all(self, request: Request, refusal: Refusal, body: bytes) -> Received:
        reply = self.reply_to(refusal)
        return Received(reply=reply, rejects=(self.reject(request, refusal, body),))

    def reject(self, request: Request, refusal: Refusal, body: bytes) -> Reject:
        """Return the reject, which is told in the debug log as well."""
        logger.debug('Unable to process event received from Segment: message="%s"', refusal.detail)
        return Reject(
            source=self.name,
            received_at=request.received_at,
            reason=refusal.reason,
            detail=refusal.detail,
            body=body[:REJECT_BYTES],
        )

    def reply_to(self, refusal: Refusal) -> Reply:
        """Return the answer to a request of which nothing was taken."""
        unauthorized = refusal is errors.UNAUTHORIZED or refusal is errors.INVALID_SIGNATURE
        if self._old:
            return replies.told(401 if unauthorized else 400, refusal.detail)
        if unauthorized:
            return replies.UNAUTHORIZED
        return replies.INVALID_JSON if refusal.reason in _NOT_JSON else replies.TAKEN

    def _read_quickly(self, body: bytes) -> Received | NeedsUsers | None:
        """Return what a usual call of the current generation means; None where a closer look is needed."""
        if (
            self._old
            or len(body) > LONGEST_NUMBER
            or not body.isascii()
            or has_lines(body)
            or is_deeper(body, self.limits.depth)
        ):
            return None
        try:
            event = self._current.read_quickly(body, self.users)
        except NotLoadedError as error:
            wanted = frozenset({error.wanted})
            return NeedsUsers(directory=self.users, wanted=wanted, source=self.name)
        return None if event is None else Received(reply=replies.TAKEN, events=(event,))

    def read_item(self, text: bytes) -> WebhookEvent | str:
        """Return what one call is. Raises RefusedError and NotLoadedError."""
        if len(text) > self.limits.event_bytes:
            raise RefusedError(too_large(len(text), self.limits.event_bytes))
        if is_deeper(text, self.limits.depth):
            raise RefusedError(TOO_DEEP)
        try:
            call = CALL.decode(text)
        except msgspec.MsgspecError:
            raise RefusedError(NOT_AN_OBJECT) from None
        return self._reader.read(call, self.users)

    def answer(self, refusals: Sequence[Refusal], ignored: Sequence[str], *, taken: bool) -> Reply:
        """Return the answer to a request that was looked at as far as its calls."""
        if not self._old:
            return replies.TAKEN
        if taken:
            return replies.COMMITTED
        if refusals:
            return replies.told(400, refusals[0].detail)
        return replies.told(200, _MESSAGES[ignored[0]])

    @property
    def takes_signed_batches(self) -> bool:
        """Whether the calls of a batch behind its first are taken."""
        return self._rules.signed_batches or not self._signatures.wanted


class _Reading:
    """Reads the calls of one request; what is wrong with one costs its neighbours nothing."""

    def __init__(self, webhook: Webhook, request: Request) -> None:
        self._webhook = webhook
        self._request = request
        self._events: list[WebhookEvent] = []
        self._refusals: list[Refusal] = []
        self._rejects: list[Reject] = []
        self._ignored: list[str] = []
        self._wanted: set[Wanted] = set()

    def read(self, body: bytes) -> Received | NeedsUsers:
        if body.lstrip(_WHITE_SPACE)[:1] == _OPEN_LIST:
            self._read_batch(_BATCH.decode(body))
        else:
            self._read_item(body)
        webhook = self._webhook
        if self._wanted:
            return NeedsUsers(directory=webhook.users, wanted=frozenset(self._wanted), source=webhook.name)
        return Received(
            reply=webhook.answer(self._refusals, self._ignored, taken=bool(self._events)),
            events=self._events,
            rejects=self._rejects,
            ignored=self._ignored,
        )

    def _read_batch(self, items: list[Raw]) -> None:
        if not items:
            self._refuse(errors.EMPTY_BATCH, b"[]")
            return
        limit = self._webhook.limits.batch_events
        if len(items) > limit:
            self._refuse(too_many_events(len(items) - limit, limit), bytes(items[limit]))
        for number, item in enumerate(items[:limit]):
            if number and not self._webhook.takes_signed_batches:
                self._refuse(errors.UNSIGNED_ITEM, bytes(item))
            else:
                self._read_item(bytes(item))

    def _read_item(self, text: bytes) -> None:
        try:
            read = self._webhook.read_item(text)
        except RefusedError as error:
            self._refuse(error.refusal, text)
        except NotLoadedError as error:
            self._wanted.add(error.wanted)
        else:
            if isinstance(read, str):
                self._ignored.append(read)
            else:
                self._events.append(read)

    def _refuse(self, refusal: Refusal, text: bytes) -> None:
        self._refusals.append(refusal)
        self._rejects.append(self._webhook.reject(self._request, refusal, text))


_NOT_JSON = frozenset({INVALID_JSON.reason, UNREADABLE_NUMBER.reason})


def _checked(body: bytes) -> bytes:
    """Return the body as JSON that can be stored, on one line. Raises RefusedError where it is no JSON."""
    cleaned = clean(body)
    if cleaned is None:
        raise RefusedError(INVALID_UTF8)
    if has_too_many_values(cleaned):
        raise RefusedError(TOO_MANY_VALUES)
    body = cleaned
    if not _is_json(body):
        body = repair(body)
        if not _is_json(body):
            raise RefusedError(INVALID_JSON)
    if has_unreadable_number(body):
        raise RefusedError(UNREADABLE_NUMBER)
    return one_line(body) if has_lines(body) else body


def _is_json(body: bytes) -> bool:
    try:
        _RAW.decode(body)
    except msgspec.MsgspecError:
        return False
    return True
