"""From a body to events and rejects: at first as if nothing were unusual; else item by item."""

from collections.abc import Callable, Mapping

import msgspec
from msgspec import Raw, ValidationError

from trackside.config.settings import LimitSettings
from trackside.event import Event, Reject
from trackside.sources.base import Decoded, Request
from trackside.sources.json_text import clean, has_lines, has_too_many_values, is_deeper, repair
from trackside.sources.refusal import (
    INVALID_JSON,
    INVALID_UTF8,
    TOO_DEEP,
    TOO_MANY_VALUES,
    Refusal,
    RefusedError,
    too_large,
    too_many_events,
)
from trackside.sources.segment_api.assemble import Assembler
from trackside.sources.segment_api.credentials import WriteKeys
from trackside.sources.segment_api.refusal import INVALID_KEY, NO_BATCH
from trackside.sources.segment_api.replies import OK
from trackside.sources.segment_api.tolerant import NOTHING, Reading, read_any, read_item, read_text
from trackside.sources.segment_api.wire import BATCH, ITEM, LOOSE_BATCH, Batch, Item, LooseBatch

STRICT_BATCH_BYTES = 524_288
"""Largest body decoded into items in one go: SDKs stop at 512,000, and each item costs memory."""
ITEM_REJECT_BYTES = 8_192


class Intake:
    """Decodes bodies for the configured write keys. What cannot be taken at all raises RefusedError."""

    __slots__ = ("_forwarders", "_keys", "_limits", "_random_bits")

    def __init__(
        self,
        keys: WriteKeys,
        limits: LimitSettings,
        random_bits: Callable[[int], int],
        forwarders: frozenset[str] = frozenset(),
    ) -> None:
        self._forwarders = forwarders
        self._keys = keys
        self._limits = limits
        self._random_bits = random_bits

    def take_event(self, request: Request, text: bytes, event_type: str) -> Decoded:
        """Return the event that `text` is, or its reject."""
        body = text if text.isascii() else _cleaned(text)
        if len(body) > self._limits.event_bytes:
            raise RefusedError(too_large(len(body), self._limits.event_bytes))
        item, unknown = _read_body(body)
        source = (
            self._keys.source_of_header(request.headers.get(b"authorization"))
            or self._keys.source_of_key(item.write_key)
            or self._keys.source_of_query(request.query)
        )
        if source is None:
            raise RefusedError(INVALID_KEY)
        try:
            _check_depth(body, self._limits.depth)
            assembler = Assembler(
                request,
                item.sent_at,
                many_lines=has_lines(body),
                random_bits=self._random_bits,
                forwarders=self._forwarders,
                default_type=event_type,
            )
            event = assembler.event(item, source, unknown)
        except RefusedError as error:
            reject = _reject(request, source, error.refusal, body)
            return Decoded(reply=OK, rejects=(reject,), source=source)
        return Decoded(reply=OK, events=(event,), source=source)

    def take_batch(self, request: Request) -> Decoded:
        """Return the events of a batch, and rejects for those of its items that cannot be events."""
        body = _cleaned(request.body)
        source = self._keys.source_of_header(request.headers.get(b"authorization"))
        if len(body) <= STRICT_BATCH_BYTES:
            decoded = self._take_strictly(request, body, source)
            if decoded is not None:
                return decoded
        elif has_too_many_values(body):
            raise RefusedError(TOO_MANY_VALUES)
        return self._take_one_by_one(request, body, source)

    def _take_strictly(self, request: Request, body: bytes, source: str | None) -> Decoded | None:
        """Return what the batch holds, or None where anything in it needs a closer look."""
        try:
            batch = BATCH.decode(body)
        except msgspec.MsgspecError:
            return None
        source = source or self._keys.source_of_key(batch.write_key)
        if source is None or not self._fits(batch, len(body)):
            return None
        assembler = self._assembler(request, body, batch.sent_at, shared=batch, depth=self._limits.depth)
        try:
            events = [assembler.event(item, source) for item in batch.batch]
        except RefusedError:
            return None
        return Decoded(reply=OK, events=events, source=source)

    def _fits(self, batch: Batch, body_bytes: int) -> bool:
        """Return whether surely no limit is exceeded; an item's size is only known within bounds here."""
        if not 0 < len(batch.batch) <= self._limits.batch_events:
            return False
        if body_bytes <= self._limits.event_bytes:
            return True
        sizes = [len(item.properties) + len(item.context) for item in batch.batch]
        return body_bytes - sum(sizes) + max(sizes) <= self._limits.event_bytes

    def _take_one_by_one(self, request: Request, body: bytes, source: str | None) -> Decoded:
        batch, body = _loose_batch(body)
        if source is None:
            source = self._keys.source_of_key(read_text(batch.write_key))
        fallback = source or self._keys.source_of_query(request.query)
        for shared in (batch.context, batch.integrations):
            _check_depth(bytes(shared), self._limits.depth - 1)
        assembler = self._assembler(request, body, read_any(batch.sent_at), shared=batch)
        taker = _ItemTaker(self._keys, self._limits, request, assembler, source, fallback)
        limit = self._limits.batch_events
        for text in batch.batch[:limit]:
            taker.take(bytes(text))
        if not taker.known:
            raise RefusedError(INVALID_KEY)
        beyond = batch.batch[limit:]
        if beyond:
            refusal = too_many_events(len(beyond), limit)
            taker.rejects.append(_reject(request, fallback or "", refusal, bytes(beyond[0])))
        return Decoded(reply=OK, events=taker.events, rejects=taker.rejects, source=fallback or "")

    def _assembler(
        self,
        request: Request,
        body: bytes,
        sent_at: str | None,
        *,
        shared: Batch | LooseBatch,
        depth: int | None = None,
    ) -> Assembler:
        return Assembler(
            request,
            sent_at,
            many_lines=has_lines(body),
            depth=depth,
            random_bits=self._random_bits,
            forwarders=self._forwarders,
            shared=shared,
        )


class _ItemTaker:
    """Takes the items of one batch; those that cannot be events become rejects."""

    def __init__(
        self,
        keys: WriteKeys,
        limits: LimitSettings,
        request: Request,
        assembler: Assembler,
        source: str | None,
        fallback: str | None,
    ) -> None:
        self.events: list[Event] = []
        self.rejects: list[Reject] = []
        self.known = fallback is not None
        """Whether any write key was one of ours."""
        self._keys = keys
        self._limits = limits
        self._request = request
        self._assembler = assembler
        self._source = source
        self._fallback = fallback

    def take(self, text: bytes) -> None:
        source = self._fallback or ""
        try:
            reading = self._read(text)
            source = self._source_of(reading)
            self.events.append(self._assembler.event(reading.item, source, reading.unknown))
        except RefusedError as error:
            self.rejects.append(_reject(self._request, source, error.refusal, text))

    def _read(self, text: bytes) -> Reading:
        if len(text) > self._limits.event_bytes:
            raise RefusedError(too_large(len(text), self._limits.event_bytes))
        _check_depth(text, self._limits.depth)
        reading = read_item(text)
        if isinstance(reading, Refusal):
            raise RefusedError(reading)
        return reading

    def _source_of(self, reading: Reading) -> str:
        if self._source is not None:
            return self._source
        source = self._keys.source_of_key(reading.item.write_key) or self._fallback
        if source is None:
            raise RefusedError(INVALID_KEY)
        self.known = True
        return source


def _cleaned(text: bytes) -> bytes:
    body = clean(text)
    if body is None:
        raise RefusedError(INVALID_UTF8)
    return body


def _read_body(body: bytes) -> tuple[Item, Mapping[str, Raw]]:
    """Return the item a body is, and what it had beside the members the protocol knows."""
    try:
        return ITEM.decode(body), NOTHING
    except msgspec.MsgspecError:
        reading = read_item(body)
    if reading is INVALID_JSON:
        reading = read_item(repair(body))
    if isinstance(reading, Refusal):
        raise RefusedError(reading)
    return reading.item, reading.unknown


def _check_depth(text: bytes, levels: int) -> None:
    if is_deeper(text, levels):
        raise RefusedError(TOO_DEEP)


def _loose_batch(body: bytes) -> tuple[LooseBatch, bytes]:
    """Return the batch, and the body that it is, repaired where that was needed."""
    try:
        batch = LOOSE_BATCH.decode(body)
    except ValidationError:
        raise RefusedError(NO_BATCH) from None
    except msgspec.MsgspecError:
        body = repair(body)
        try:
            batch = LOOSE_BATCH.decode(body)
        except ValidationError:
            raise RefusedError(NO_BATCH) from None
        except msgspec.MsgspecError:
            raise RefusedError(INVALID_JSON) from None
    if not batch.batch:
        raise RefusedError(NO_BATCH)
    return batch, body


def _reject(request: Request, source: str, refusal: Refusal, body: bytes) -> Reject:
    return Reject(
        source=source,
        received_at=request.received_at,
        reason=refusal.reason,
        detail=refusal.detail,
        body=body[:ITEM_REJECT_BYTES],
    )
