"""From the items of one request to events."""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import UNSET, Raw, UnsetType

from trackside.clock import ClientClock, Correction, keep_corrected
from trackside.event import EMPTY_OBJECT, Event
from trackside.sources.base import Request
from trackside.sources.json_text import LONGEST_NUMBER, has_unreadable_number, is_deeper, one_line
from trackside.sources.message_id import MAX_CHARACTERS, hashed_id, new_id
from trackside.sources.refusal import TOO_DEEP, UNREADABLE_NUMBER, RefusedError, invalid_field
from trackside.sources.segment_api.context import (
    is_on_device,
    merge_members,
    read_facts,
    stamps_early,
    with_ip,
)
from trackside.sources.segment_api.refusal import (
    MISSING_EVENT,
    MISSING_GROUP_ID,
    MISSING_IDENTITY,
    MISSING_PREVIOUS_ID,
    MISSING_TYPE,
    unknown_type,
)
from trackside.sources.segment_api.tolerant import NOTHING, read_any
from trackside.sources.segment_api.wire import (
    ABSENT,
    CONTEXT_TRAITS,
    ENCODER,
    MEMBERS,
    NULL,
    Batch,
    ContextFacts,
    Extra,
    Item,
    LooseBatch,
)

_PAGES: Final = frozenset({"page", "screen"})
_WITH_TRAITS: Final = frozenset({"identify", "group", "alias"})
_OPEN_BRACE: Final = 0x7B


class Assembler:
    """Makes the events of one request: its clock, its shared context and its limits serve all items."""

    # Most requests are one event: what only batches need is set where a batch first needs it.
    _base_context: Raw = EMPTY_OBJECT
    _base_integrations: Raw = EMPTY_OBJECT
    _context_in: Raw = ABSENT
    _context_key: str | None = None
    _context_out: Raw = ABSENT
    _facts: ContextFacts | None = None
    _other_sent_at: str | None = None
    _other_clock: ClientClock

    def __init__(
        self,
        request: Request,
        sent_at: str | None,
        *,
        many_lines: bool,
        depth: int | None = None,
        random_bits: Callable[[int], int],
        forwarders: frozenset[str] = frozenset(),
        default_type: str = "",
        shared: Batch | LooseBatch | None = None,
    ) -> None:
        """`depth` is None where everything is known to be flat enough."""
        retry = request.headers.get(b"x-retry-count")
        self._received_at = request.received_at
        self._client_ip = request.client_ip
        self._retried = retried = retry is not None and retry != b"0"
        self._many_lines = many_lines
        self._levels = None if depth is None else depth - 1  # the item itself is one
        self._plain = depth is None and not many_lines
        self._random_bits = random_bits
        self._forwarders = forwarders
        self._default_type = default_type
        self._sent_at = sent_at
        self._clock = ClientClock(request.received_at, sent_at, suspect=retried)
        if shared is not None:
            self._base_context = self._object(shared.context, "context")
            self._base_integrations = self._object(shared.integrations, "integrations")

    def event(self, item: Item, source: str, unknown: Mapping[str, Raw] = NOTHING) -> Event:
        """Return `item` as an event of `source`. Raises RefusedError where it cannot be one."""
        kind = item.type or self._default_type
        if kind == "track":
            name = item.event or ""
            if not name:
                raise RefusedError(MISSING_EVENT)
        else:
            name = kind
            _check_call(kind, item)
        if not item.user_id and not item.anonymous_id:
            raise RefusedError(MISSING_IDENTITY)
        context = self._context(item)
        correction = self._correct(item, context)
        extra = self._extra(item, kind)
        if item.origin or item.data:
            self._keep_origin(extra, item, source)
        if kind == "track":
            data = self._object(item.properties, "properties")
        else:
            data = self._other_data(kind, item, context, extra)
        return Event(
            id=self._id(item, extra),
            name=name,
            type=kind,
            source=source,
            timestamp=correction.timestamp,
            received_at=self._received_at,
            data=data,
            context=context,
            user_id=item.user_id or None,
            anonymous_id=item.anonymous_id or None,
            original_timestamp=item.timestamp if item.original_timestamp is None else item.original_timestamp,
            sent_at=item.sent_at or self._sent_at,
            skew_ms=correction.skew_ms,
            clock_flags=correction.flags,
            extra=self._encoded_extra(extra, unknown),
        )

    def _id(self, item: Item, extra: Extra) -> str:
        given = item.message_id
        if not given:
            return new_id(self._received_at, self._random_bits)
        if len(given) <= MAX_CHARACTERS:
            return given
        extra.message_id = Raw(ENCODER.encode(given))
        return hashed_id(given.encode())

    def _correct(self, item: Item, context: Raw) -> Correction:
        original = item.original_timestamp
        if original is None:
            original = item.timestamp
        elif item.received_at is not None and item.timestamp is not None:
            return keep_corrected(item.timestamp, self._received_at)
        clock = self._clock
        sent_at = item.sent_at
        if sent_at and sent_at != self._sent_at:
            if sent_at != self._other_sent_at:
                self._other_clock = ClientClock(self._received_at, sent_at, suspect=self._retried)
                self._other_sent_at = sent_at
            clock = self._other_clock
        if clock.looks_late and not self._retried and stamps_early(self._facts_of(context)):
            clock = clock.suspected()
        return clock.correct(original)

    def _context(self, item: Item) -> Raw:
        # the items of a batch mostly have the same context: one look at it serves them all
        if item.context == self._context_in and item.channel == self._context_key and self._context_out:
            return self._context_out
        context = self._object(item.context, "context")
        if self._base_context != EMPTY_OBJECT:
            context = merge_members(self._base_context, context)
        self._facts = None
        if self._client_ip is not None:
            facts = self._facts_of(context)
            if is_on_device(facts, item.channel):
                context = with_ip(context, self._client_ip, facts)
        self._context_in, self._context_key, self._context_out = item.context, item.channel, context
        return context

    def _facts_of(self, context: Raw) -> ContextFacts:
        """Return what is known of the sender of the context looked at last."""
        if self._facts is None:
            self._facts = read_facts(context)
        return self._facts

    def _other_data(self, kind: str, item: Item, context: Raw, extra: Extra) -> Raw:
        if kind in _PAGES:
            data = self._object(item.properties, "properties")
            return data if item.name is None and item.category is None else _with_labels(data, item, extra)
        if kind == "identify" and (not item.traits or item.traits == NULL):
            return self._traits_of(context)
        return self._object(item.traits, "traits")

    def _traits_of(self, context: Raw) -> Raw:
        traits = CONTEXT_TRAITS.decode(context).traits
        return traits if traits and bytes(traits)[0] == _OPEN_BRACE else EMPTY_OBJECT

    def _extra(self, item: Item, kind: str) -> Extra:
        integrations: Raw | UnsetType = item.integrations
        if self._base_integrations != EMPTY_OBJECT and _may_be_object(item.integrations):
            integrations = merge_members(self._base_integrations, _present_or_empty(item.integrations))
        extra = Extra(
            integrations=UNSET if integrations == EMPTY_OBJECT else _present(integrations),
            metadata=_present(item.metadata) if item.metadata else UNSET,
            channel=item.channel,
            group_id=item.group_id,
            previous_id=item.previous_id,
            version=_present(item.version) if item.version else UNSET,
            received_at=item.received_at,
        )
        if item.original_timestamp is not None:
            extra.timestamp = item.timestamp
        if kind != "track":
            extra.event = item.event
        if kind not in _PAGES:
            extra.name, extra.category = item.name, item.category
        if kind in _WITH_TRAITS:
            extra.properties = _present(item.properties)
        elif item.traits:
            extra.traits = _present(item.traits)
        return extra

    def _keep_origin(self, extra: Extra, item: Item, source: str) -> None:
        """Note that a tracker emitted the event, where its sender may say so."""
        extra.data = _present(item.data)
        if source in self._forwarders:
            extra.origin = _present(item.origin)
        else:
            extra.client_origin = _present(item.origin)

    def _encoded_extra(self, extra: Extra, unknown: Mapping[str, Raw]) -> Raw:
        text = ENCODER.encode(extra)
        if unknown:
            known = MEMBERS.decode(text)
            text = ENCODER.encode(
                {**known, **unknown, **known}
            )  # theirs behind ours, and never in their place
        if text == b"{}":
            return EMPTY_OBJECT
        raw = Raw(text)
        return raw if self._plain and len(text) <= LONGEST_NUMBER else self._checked(raw, text)

    def _object(self, raw: Raw, name: str) -> Raw:
        """Return `raw` ready to be stored, an empty object where absent; refuse what is not an object."""
        if not raw or raw == NULL:
            return EMPTY_OBJECT
        text = bytes(raw)
        if text[0] != _OPEN_BRACE:
            raise RefusedError(invalid_field(name, "an object"))
        return raw if self._plain and len(text) <= LONGEST_NUMBER else self._checked(raw, text)

    def _checked(self, raw: Raw, text: bytes) -> Raw:
        if self._levels is not None and is_deeper(text, self._levels):
            raise RefusedError(TOO_DEEP)
        if len(text) > LONGEST_NUMBER and has_unreadable_number(text):
            raise RefusedError(UNREADABLE_NUMBER)
        return Raw(one_line(text)) if self._many_lines else raw


def _check_call(kind: str, item: Item) -> None:
    if kind in _PAGES or kind == "identify":
        return
    if kind == "group":
        if not item.group_id:
            raise RefusedError(MISSING_GROUP_ID)
    elif kind == "alias":
        if not item.previous_id or not item.user_id:
            raise RefusedError(MISSING_PREVIOUS_ID)
    else:
        raise RefusedError(unknown_type(kind) if kind else MISSING_TYPE)


def _with_labels(data: Raw, item: Item, extra: Extra) -> Raw:
    """Return a page's data with its `name` and `category`; where it has other ones these go to `extra`."""
    members = MEMBERS.decode(data)
    for label, value in (("name", item.name), ("category", item.category)):
        if value is None:
            continue
        there = read_any(members.get(label, ABSENT))
        if there is None:
            members[label] = Raw(ENCODER.encode(value))
        elif there != value:
            setattr(extra, label, value)
    return Raw(ENCODER.encode(members))


def _present(raw: Raw | UnsetType) -> Raw | UnsetType:
    return raw if raw and raw != NULL else UNSET


def _may_be_object(raw: Raw) -> bool:
    return not raw or raw == NULL or bytes(raw)[0] == _OPEN_BRACE


def _present_or_empty(raw: Raw) -> Raw:
    return raw if raw and raw != NULL else EMPTY_OBJECT
