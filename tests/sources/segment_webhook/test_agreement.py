"""The quick way of reading a usual call comes to what the closer look comes to, whatever a client sends."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.segment_webhook.requests import COURSE, Accounts, call, post, properties, source
from trackside.event import Event
from trackside.sources.base import Decoded
from trackside.sources.segment_webhook.current import CurrentReader
from trackside.testing.source_contract import check_decoded, decode

ODD: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        1.5,
        10,
        2**70,
        "",
        "10",
        " 10 ",
        "x",
        "é",
        "\x00",
        "NaN",
        [],
        ["a"],
        {},
        {"a": 1},
    ),
    *("track", "TRACK", "delete", "analytics-ios", "edx.bi.x", "9" * 4_301, "2014", "2024-05-06T07:08:09Z"),
    *("2024-05-06T07:08:09.1234567+01:00", COURSE, "foo/bar/baz", "library-v1:o+l", "x" * 101),
]
PATHS: list[tuple[str, ...]] = [
    *((name,) for name in call()),
    ("anonymousId",),
    *(("properties", name) for name in ("name", "data", "context", "label", "course_id", "other")),
    *(
        ("properties", "context", name)
        for name in (
            "course_id",
            "app_name",
            "application",
            "ip",
            "user_id",
            "event_source",
            "timestamp",
            "host",
            "org_id",
        )
    ),
    *(("context", name) for name in ("library", "app", "userAgent", "traits", "device")),
    ("context", "library", "name"),
]
values = st.sampled_from(ODD) | st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
mutations = st.lists(st.tuples(st.sampled_from(PATHS), values | st.just(...)), max_size=3)
FUSSY = {"disallowed_substring_names": (".bi.",), "allowed_types": ("Track", "screen")}
RULES: list[dict[str, Any]] = [
    {},
    {"trust_client_context": True},
    {"disallowed_substring_names": (".bi.",), "allowed_types": ("Track", "screen")},
]


def mutated(changes: list[tuple[tuple[str, ...], Any]]) -> dict[str, Any]:
    """Return a call with some members replaced or left out."""
    made: dict[str, Any] = json.loads(json.dumps(call(properties=properties(label="L"))))
    for path, value in changes:
        at: Any = made
        for name in path[:-1]:
            at = at.get(name) if isinstance(at, dict) else None
        if not isinstance(at, dict):
            continue
        if value is ...:
            at.pop(path[-1], None)
        else:
            at[path[-1]] = value
    return made


def plainly(decoded: Decoded) -> Any:
    """Return what was decoded in a form that can be compared; the order of members says nothing."""
    return (
        decoded.reply,
        [_plain(event) for event in decoded.events],
        [(reject.reason, reject.detail) for reject in decoded.rejects],
        list(decoded.ignored),
    )


def _plain(event: Event) -> Any:
    return {
        **msgspec.structs.asdict(event),
        "data": event.decoded_data(),
        "context": event.decoded_context(),
        "extra": bytes(event.extra),
    }


@given(changes=mutations, rules=st.sampled_from(RULES))
def test_both_ways_come_to_the_same(
    changes: list[tuple[tuple[str, ...], Any]], rules: dict[str, Any]
) -> None:
    """One bad value or three: never another answer, another event, another reason."""
    request = post(json.dumps(mutated(changes)).encode("utf-8", "surrogatepass"))
    users = Accounts(honor=10, staff=1)
    quick = decode(source(users, **rules), request)
    check_decoded(quick, request)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CurrentReader, "read_quickly", lambda *_: None)
        close = decode(source(users, **rules), request)
    assert plainly(quick) == plainly(close)


def test_a_usual_call_goes_the_quick_way() -> None:
    """The closer look is for what is unusual."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CurrentReader, "read", None)
        assert len(decode(source(), post(call())).events) == 1
