"""The context of an event: the batch's merged under the item's, and the client's address where it belongs."""

import msgspec
from msgspec import Raw

from trackside.event import EMPTY_OBJECT
from trackside.libraries import BROWSER_LIBRARIES, MOBILE_LIBRARIES
from trackside.sources.segment_api.wire import ABSENT, ENCODER, FACTS, MEMBERS, NULL, ContextFacts

_QUOTE = 0x22

CLIENT_LIBRARIES = BROWSER_LIBRARIES | MOBILE_LIBRARIES
"""The address they send from is the user's."""
CLIENT_CHANNELS = frozenset({"browser", "mobile", "web"})
STALE_SENT_AT_LIBRARIES = frozenset(
    {
        "analytics-swift",
        "analytics-kotlin",
        "analytics-go",
        "analytics-java",
        "analytics-php",
        "analytics-node",
        "@segment/analytics-swift",
        "@segment/analytics-kotlin",
    }
)
"""Libraries that set `sentAt` when a batch is built, not when it is sent (the SDKs as of August 2026)."""


def merge_members(under: Raw, over: Raw) -> Raw:
    """Return the object `over` with the members of the object `under` that it has not itself."""
    if not under or under == EMPTY_OBJECT:
        return over
    if not over or over == EMPTY_OBJECT:
        return under
    return Raw(ENCODER.encode({**MEMBERS.decode(under), **MEMBERS.decode(over)}))


def read_facts(context: Raw) -> ContextFacts:
    """Return what is known of the sender; members of another type than expected count as absent."""
    try:
        return FACTS.decode(context)
    except msgspec.ValidationError:
        return ContextFacts(ip=MEMBERS.decode(context).get("ip", ABSENT))


def is_on_device(facts: ContextFacts, channel: str | None) -> bool:
    """Return whether the event was sent by the user's own device, and so from the user's own address."""
    if channel in CLIENT_CHANNELS or facts.direct is True:
        return True
    return facts.library is not None and facts.library.name in CLIENT_LIBRARIES


def stamps_early(facts: ContextFacts) -> bool:
    """Return whether the sender's library may set `sentAt` long before it sends."""
    return facts.library is not None and facts.library.name in STALE_SENT_AT_LIBRARIES


def with_ip(context: Raw, ip: str, facts: ContextFacts) -> Raw:
    """Return `context` with the client's address, unless it says one itself."""
    if facts.ip and facts.ip != NULL:
        return context
    member = ENCODER.encode(ip)
    if facts.ip:  # "ip": null; a second member of the same name would leave the choice to the reader
        return Raw(ENCODER.encode({**MEMBERS.decode(context), "ip": Raw(member)}))
    text = bytes(context)
    if text[1] == _QUOTE:
        return Raw(b'{"ip":%b,%b' % (member, text[1:]))
    return Raw(ENCODER.encode({"ip": Raw(member), **MEMBERS.decode(context)}))
