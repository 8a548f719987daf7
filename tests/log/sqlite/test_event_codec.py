"""Events survive their way to the disk and back, byte by byte where they came as bytes."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from trackside.event import Event
from trackside.log.sqlite.event_codec import decode_event, decode_events, encode_event, encode_events
from trackside.testing.log_values import make_event

ODD = (
    b'{"a":"\\ud800"}',
    b'{"a":"\\udc00\\ud800","b":[{"c":"]"}]}',
    b'{"n":' + b"9" * 10_000 + b"}",
    b'{"n":-1.5e9999}',
    b'{"deep":' + b"[" * 300 + b"]" * 300 + b"}",
    b'{"two":\n"lines"}',
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def raws(event: Event) -> list[bytes]:
    return [bytes(event.data), bytes(event.context), bytes(event.extra)]


@pytest.mark.parametrize("data", ODD)
def test_odd_json_comes_back_unchanged(data: bytes) -> None:
    odd = replace(make_event(2), data=Raw(data), context=Raw(data), extra=Raw(data))
    events = [make_event(1), odd, make_event(3)]
    found = decode_events(encode_events(events), 3)
    assert [event.id for event in found] == ["event-1", "event-2", "event-3"]
    assert [raws(event) for event in found] == [raws(event) for event in events]
    assert found[1].clock_flags == ("test",)
    assert raws(decode_event(encode_event(odd))) == raws(odd)


def test_an_event_of_an_older_version_has_defaults_for_the_rest() -> None:
    fields = json.loads(encode_event(make_event(1, data=b'{"half":"\\ud800"}')))[:8]
    event = decode_event(json.dumps(fields, separators=(",", ":")).encode())
    assert (event.id, event.user_id, bytes(event.extra)) == ("event-1", None, b"{}")


@pytest.mark.parametrize("damage", [b"", b"[", b"[1,2]", b"nonsense", b"[]\n[]\n"])
def test_damage_is_told(damage: bytes) -> None:
    with pytest.raises((msgspec.MsgspecError, ValueError)):
        decode_events(damage, 1)


@given(st.dictionaries(st.text(), json_values, max_size=4), st.booleans())
def test_any_object_comes_back_unchanged(value: dict[str, object], ascii_only: bool) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    event = replace(make_event(1), data=Raw(data))
    (found,) = decode_events(encode_events([event]), 1)
    assert raws(found) == raws(event)
