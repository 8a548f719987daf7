"""Whose an event is: by its user_id, or by what its context says."""

import pytest
from msgspec.structs import replace

from trackside.export.person import Person
from trackside.testing.destination_contract import make_event


def has(*names: str, context: bytes = b"{}", user_id: str | None = None) -> bool:
    event = replace(make_event(1, context=context), user_id=user_id)
    return Person(names).has(event)


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (b"{}", False),
        (b'{"user_id":42}', True),
        (b'{"user_id":"42"}', True),
        (b'{"user_id":"\\u0034\\u0032"}', True),
        (b'{"user_id":420}', False),
        (b'{"user_id":true}', False),
        (b'{"user_id":42.5}', False),
        (b'{"user_id":null,"page":"42"}', False),
        (b'{"username":"42"}', True),
        (b'{"username":"b42"}', False),
        (b'{"user":{"user_id":42}}', False),
        (b'{"half":"\\ud800","user_id":42}', True),
    ],
)
def test_what_a_context_says(context: bytes, expected: bool) -> None:
    assert has("42", context=context) is expected


def test_the_event_s_own_user_id() -> None:
    assert has("42", user_id="42")
    assert not has("42", user_id="0042")
    assert has("someone", "42", user_id="42")


def test_a_username_however_it_is_written() -> None:
    assert has("zoë", context='{"username":"zoë"}'.encode())
    assert has("zoë", context=b'{"username":"zo\\u00eb"}')
    assert not has("zoë", context=b'{"username":"zo\\u00e9"}')


def test_a_context_nobody_can_look_into() -> None:
    """It is the user's where the id stands in it: a request for all there is of somebody must not lose it."""
    deep = b'"deep":' + b"[" * 50_000 + b"]" * 50_000
    assert has("ada", context=b'{"username":"ada",' + deep + b"}")
    assert not has("ada", context=b'{"username":"bob\\n",' + deep + b"}")
