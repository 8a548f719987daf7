"""The strict way, the tolerant way and a slow reference agree on every batch that is JSON, or nearly."""

import json
from typing import Any

from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.sources.segment_api import reference
from tests.sources.segment_api.reference import Rejected
from tests.sources.segment_api.requests import decode, post
from trackside.sources.segment_api.context import CLIENT_CHANNELS
from trackside.testing.source_contract import RECEIVED_AT

TEXTS = st.text(st.characters(codec=None), max_size=8)  # with lone surrogates
NUMBERS = st.integers() | st.floats()
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(TEXTS | st.sampled_from(["name", "category", "ip"]), JSON, max_size=3)
TIMES = st.sampled_from(
    [
        "2026-11-20T19:24:55.219Z",
        "2026-11-20T20:24:55+01:00",
        "2026-11-20T19:24:55",
        "2027-01-01T00:00:00Z",
        "soon",
        "",
    ]
)
LIBRARIES = (
    st.fixed_dictionaries({"name": st.sampled_from(["analytics.js", "analytics-python"]) | JSON}) | JSON
)
CONTEXTS = st.fixed_dictionaries(
    {},
    optional={
        "library": LIBRARIES,
        "ip": JSON,
        "direct": st.booleans() | JSON,
        "traits": OBJECTS | JSON,
        "x": JSON,
    },
)


def mostly(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return what is usual, sometimes null, seldom anything."""
    return st.one_of(usual, usual, usual, st.none(), JSON)


ITEMS = st.fixed_dictionaries(
    {
        "type": mostly(st.sampled_from(reference.TYPES)),
        "userId": mostly(st.sampled_from(["u", "7"]) | TEXTS | NUMBERS),
        "event": mostly(st.just("E") | TEXTS),
    },
    optional={
        "messageId": mostly(TEXTS | st.just("x" * 101)),
        "anonymousId": mostly(TEXTS),
        "groupId": mostly(st.just("g")),
        "previousId": mostly(st.just("p")),
        "timestamp": mostly(TIMES),
        "sentAt": mostly(TIMES),
        "originalTimestamp": mostly(TIMES),
        "receivedAt": mostly(TIMES),
        "properties": mostly(OBJECTS),
        "traits": mostly(OBJECTS),
        "context": mostly(CONTEXTS),
        "integrations": mostly(OBJECTS),
        "_metadata": mostly(OBJECTS),
        "name": mostly(TEXTS),
        "category": mostly(TEXTS),
        "channel": mostly(st.sampled_from([*sorted(CLIENT_CHANNELS), "server"])),
        "version": JSON,
        "writeKey": JSON,
        "unknown": JSON,
    },
)
SHARED = st.fixed_dictionaries(
    {},
    optional={
        "sentAt": mostly(TIMES),
        "context": st.none() | CONTEXTS,
        "integrations": st.none() | OBJECTS,
        "x": JSON,
    },
)


@given(st.lists(ITEMS | JSON, min_size=1, max_size=4), SHARED, st.booleans(), st.sampled_from([None, 2]))
@example([{"type": "track", "event": "E", "userId": "u"}], {}, False, None)
def test_batches(items: list[Any], shared: dict[str, Any], ascii_only: bool, indent: int | None) -> None:
    """What is accepted, what is rejected, and what every event holds."""
    body = _encoded({**shared, "batch": items}, ascii_only=ascii_only, indent=indent)
    understood = reference.loads(body)
    decoded = decode(post("/v1/batch", body, client_ip="203.0.113.7"))
    assert decoded.reply.status == 200
    events = iter(decoded.events)
    rejected = 0
    for item in understood["batch"]:
        try:
            expected = reference.interpret(item, understood, RECEIVED_AT, "203.0.113.7")
        except Rejected:
            rejected += 1
        else:
            reference.assert_same(next(events), expected, item)
    assert next(events, None) is None
    assert len(decoded.rejects) == rejected


@given(ITEMS, st.sampled_from(reference.TYPES), st.booleans())
def test_single_calls(item: dict[str, Any], route: str, ascii_only: bool) -> None:
    """The same for a call that is the whole body; its type may come from the path."""
    body = _encoded(item, ascii_only=ascii_only)
    understood = reference.loads(body)
    decoded = decode(post(f"/v1/{route}", body))
    try:
        expected = reference.interpret(understood, {}, RECEIVED_AT, None, route)
    except Rejected:
        assert not decoded.events
        assert len(decoded.rejects) == 1
    else:
        reference.assert_same(decoded.events[0], expected, understood)


def _encoded(value: object, *, ascii_only: bool, indent: int | None = None) -> bytes:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    try:
        return text.encode()
    except UnicodeEncodeError:  # a lone surrogate that was not escaped is not UTF-8: another test's matter
        assume(ascii_only)
        raise
