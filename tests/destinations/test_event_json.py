"""The JSON object of an event, for those who are strict about it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from trackside.destinations.event_json import json_body, json_line, without_half_pairs
from trackside.testing.destination_contract import make_event


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (rb'"\ud83d\ude00"', rb'"\ud83d\ude00"'),
        (rb'"\uD83D\uDE00"', rb'"\uD83D\uDE00"'),
        (rb'"\ud83d"', rb'"\ufffd"'),
        (rb'"\ude00\ud83d"', rb'"\ufffd\ufffd"'),
        (rb'"\ud83d\ud83d\ude00"', rb'"\ufffd\ud83d\ude00"'),
        (rb'"\\ud83d"', rb'"\\ud83d"'),
        (rb'"\\\ud83d"', rb'"\\\ufffd"'),
        (rb'"\u00e9\n"', rb'"\u00e9\n"'),
    ],
)
def test_half_pairs(text: bytes, expected: bytes) -> None:
    """A half becomes U+FFFD; whole pairs and what only looks like one stay."""
    assert without_half_pairs(text) == expected


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_becomes_one_that_everybody_reads(text: str) -> None:
    """Whatever was in it, all of it that is text is still there."""
    made = without_half_pairs(json.dumps(text).encode())
    assert json.loads(made) == json.loads(json.dumps(text).encode()).encode("utf-16", "surrogatepass").decode(
        "utf-16", "replace"
    )


def test_a_line_is_the_object_on_one_line() -> None:
    """Also where its own texts cannot be encoded, or a source left line ends between tokens."""
    assert json_line(make_event(1)) == json_body(make_event(1))
    assert b"\n" not in json_line(make_event(1, data=b'{"a":\n1}'))
    assert json.loads(json_line(replace(make_event(1), user_id="a\ud800b")))["user_id"] == "a?b"
