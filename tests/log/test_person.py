"""Whose an event is: exactly, whatever its JSON is written like."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from trackside.event import Event, Reject, erased
from trackside.log.person import Finder, Person
from trackside.testing.log_values import NOON, make_event


def person(*user_ids: str, usernames: tuple[str, ...] = (), anonymous_ids: tuple[str, ...] = ()) -> Finder:
    return Finder(
        Person(
            user_ids=frozenset(user_ids),
            usernames=frozenset(usernames),
            anonymous_ids=frozenset(anonymous_ids),
        )
    )


def event(**fields: Any) -> Event:
    return replace(make_event(1), user_id=None, **fields)


ADA = person("42", usernames=("ada",), anonymous_ids=("device-1",))


@pytest.mark.parametrize(
    "named",
    [
        replace(make_event(1), user_id="42"),
        event(anonymous_id="device-1"),
        event(context=Raw(b'{"user_id":42}')),
        event(context=Raw(b'{"user_id": "42"}')),
        event(context=Raw(b'{"user_id":\t42\n}')),
        event(context=Raw(b'{"username":"ada"}')),
        event(context=Raw(b'{"username":"\\u0061da"}')),
        event(context=Raw(b'{"user\\u005fid":42}')),
        event(data=Raw(b'{"user_id":42,"mode":"verified"}')),
        event(data=Raw(b'{"username":"ada"}')),
        event(extra=Raw(b'{"previousId":"device-1"}')),
        event(extra=Raw(b'{"previousId":"42"}')),
        event(data=Raw(b'{"a":' + b"[" * 100_000 + b'"42"' + b"]" * 100_000 + b"}")),
    ],
)
def test_named(named: Event) -> None:
    """By any of the places where an event says whose it is."""
    assert ADA.is_named_by(named)


@pytest.mark.parametrize(
    "another",
    [
        event(),
        replace(make_event(1), user_id="421"),
        replace(make_event(1), user_id="ada"),
        event(anonymous_id="42"),
        event(context=Raw(b'{"user_id":421}')),
        event(context=Raw(b'{"user_id":42.0}')),
        event(context=Raw(b'{"user_id":[42]}')),
        event(context=Raw(b'{"user_id":true,"course_id":"42"}')),
        event(context=Raw(b'{"username":"Ada"}')),
        event(data=Raw(b'{"score":42,"friend":{"username":"ada"}}')),
        event(data=Raw(b'{"user_id":' + b"9" * 6_000 + b"}")),
        event(data=Raw(b'{"a":' + b"[" * 100_000 + b'"421"' + b"]" * 100_000 + b"}")),
        erased(replace(make_event(1), user_id="42")),
    ],
)
def test_not_named(another: Event) -> None:
    """What only resembles, or only mentions, is another's."""
    assert not ADA.is_named_by(another)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8) | st.sampled_from(
    ["42", "-7", "0", "a/b", 'say "x"', "\\", "\n", "é", "\u2028", "😀", "\x00", "true", "1e3"]
)


@given(text=TEXTS, ascii_only=st.booleans(), slashes=st.booleans(), number=st.booleans())
def test_the_quick_look_never_misses(text: str, ascii_only: bool, slashes: bool, number: bool) -> None:
    """However a JSON writer escapes: what is named is found, by the look at the bytes as well."""
    value: object = int(text) if number and text in {"42", "-7", "0"} else text
    written = json.dumps({"user_id": value, "z": "other"}, ensure_ascii=ascii_only)
    if slashes:
        written = written.replace("/", "\\/")
    finder = person(text)
    assert finder.may_be_in(written.encode())
    assert finder.is_named_by(event(context=Raw(written.encode())))


@given(st.lists(TEXTS, min_size=1, max_size=4), TEXTS)
def test_only_whole_texts_count(texts: list[str], other: str) -> None:
    """The slow way and the quick one come to the same."""
    found = person(*texts).is_named_by(event(context=Raw(json.dumps({"user_id": other}).encode())))
    assert found is (other in texts)


def reject(body: bytes) -> Reject:
    return Reject(source="web", received_at=NOON, reason="invalid", detail="", body=body)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b'{"userId":"42","event":7}', True),
        (b'{"batch":[{"userId":"1"},{"context":{"username":"ada"}}]}', True),
        (b'{"userId":42}', True),
        (b'{"course":"42"}', False),
        (b'{"userId":"421"}', False),
        (b'{"userId":"42","event":"cut of', True),
        (b"\xff\xfe42", False),
        (b"[" * 5_000, False),
        (b"", False),
    ],
)
def test_rejects(body: bytes, named: bool) -> None:
    """By the same members at any depth; where the body is no JSON, by the text in quotes."""
    assert ADA.is_in_reject(reject(body)) is named


def test_what_is_no_text() -> None:
    """An id that cannot be written is refused at once."""
    with pytest.raises(ValueError, match="UTF-8"):
        person("\ud800")
