"""The shapes of Segment's protocol as they are on the wire.

Source: captures of the SDKs named in the decoders' comments, November 2026, and Segment's common fields.
"""

import msgspec
from msgspec import Raw, Struct, field

ABSENT = Raw()
"""What a `Raw` member holds that was not there. A JSON null counts as not there as well."""
NULL = Raw(b"null")


class Item(Struct, forbid_unknown_fields=True, rename="camel", gc=False):
    """One event as an SDK sends it. Most members are absent most of the time."""

    type: str | None = None
    message_id: str | None = None
    user_id: str | None = None
    anonymous_id: str | None = None
    event: str | None = None
    timestamp: str | None = None
    properties: Raw = ABSENT
    traits: Raw = ABSENT
    context: Raw = ABSENT
    integrations: Raw = ABSENT
    metadata: Raw = field(default=ABSENT, name="_metadata")
    name: str | None = None
    category: str | None = None
    group_id: str | None = None
    previous_id: str | None = None
    channel: str | None = None
    version: Raw = ABSENT
    write_key: str | None = None
    sent_at: str | None = None
    original_timestamp: str | None = None
    received_at: str | None = None
    origin: Raw = ABSENT
    """What Trackside's own forwarder adds: that a tracker emitted the event."""
    data: Raw = ABSENT
    """The same: what kind of data it had."""


class Batch(Struct, forbid_unknown_fields=True, rename="camel", gc=False):
    """A batch in which nothing is unusual: decoded in one go."""

    batch: list[Item]
    sent_at: str | None = None
    write_key: str | None = None
    context: Raw = ABSENT
    integrations: Raw = ABSENT
    timestamp: Raw = ABSENT
    """Ignored, as Segment does; Go's `messageId` and Java's `sequence` of the batch too."""
    message_id: Raw = ABSENT
    sequence: Raw = ABSENT


class LooseBatch(Struct, rename="camel", gc=False):
    """Any batch that is a JSON object with a list: its items are looked at one by one."""

    batch: list[Raw]
    sent_at: Raw = ABSENT
    write_key: Raw = ABSENT
    context: Raw = ABSENT
    integrations: Raw = ABSENT


class Library(Struct, gc=False):
    """`context.library`."""

    name: str | None = None


class ContextFacts(Struct, gc=False):
    """What decides whether a context gets the client's address, and whether `sentAt` can be trusted."""

    library: Library | None = None
    ip: Raw = ABSENT
    direct: bool | None = None


class ContextTraits(Struct, gc=False):
    """`context.traits`: where RudderStack's SDKs keep the traits of an identify."""

    traits: Raw = ABSENT


class Extra(Struct, omit_defaults=True, rename="camel", gc=False):
    """What an event carries that has no place of its own, under the protocol's names."""

    # These two come first, as in `event.EMITTED`.
    origin: Raw | msgspec.UnsetType = msgspec.UNSET
    data: Raw | msgspec.UnsetType = msgspec.UNSET
    client_origin: Raw | msgspec.UnsetType = msgspec.UNSET
    """The member `origin` of a client, which must not be taken for a forwarder's."""
    integrations: Raw | msgspec.UnsetType = msgspec.UNSET
    metadata: Raw | msgspec.UnsetType = field(default=msgspec.UNSET, name="_metadata")
    channel: str | None = None
    group_id: str | None = None
    previous_id: str | None = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    version: Raw | msgspec.UnsetType = msgspec.UNSET
    properties: Raw | msgspec.UnsetType = msgspec.UNSET
    traits: Raw | msgspec.UnsetType = msgspec.UNSET
    message_id: Raw | msgspec.UnsetType = msgspec.UNSET
    """As it came, where it could not be the event's id."""
    timestamp: str | None = None
    """Where `originalTimestamp` was there as well."""
    received_at: str | None = None
    """When a server before us received it."""


ITEM = msgspec.json.Decoder(Item)
BATCH = msgspec.json.Decoder(Batch)
LOOSE_BATCH = msgspec.json.Decoder(LooseBatch)
MEMBERS = msgspec.json.Decoder(dict[str, Raw])
TEXT = msgspec.json.Decoder(str)
FACTS = msgspec.json.Decoder(ContextFacts)
CONTEXT_TRAITS = msgspec.json.Decoder(ContextTraits)
ENCODER = msgspec.json.Encoder()
