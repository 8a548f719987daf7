"""What an id can be, by the kind of key."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db.models import BigAutoField
from hypothesis import example, given
from hypothesis import strategies as st

from trackside.users import ids
from trackside.users.base import InvalidUserIdError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=3,
)
NUMERAL = st.from_regex(r"[ \t]?[-+]?[0-9_]{1,5}[ \n]?", fullmatch=True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (10, 10),
        (10.7, 10),
        (-0.5, 0),
        (" 10 ", 10),
        ("1_0", 10),
        ("-1", -1),
        (True, 1),
        ("٣", 3),
        (2**70, 2**70),
    ],
)
def test_whole_numbers(value: object, expected: int) -> None:
    """What Python's int() takes."""
    assert ids.whole_number(value) == expected
    assert type(ids.whole_number(value)) is int


@pytest.mark.parametrize(
    "value", ["10.0", "foobar", "", "1e3", "9" * 5_000, float("inf"), float("nan"), None, [], {}, [10]]
)
def test_no_whole_numbers(value: object) -> None:
    """All else is told to be none, whatever Python raises for it."""
    with pytest.raises(InvalidUserIdError):
        ids.whole_number(value)


@given(JSON | NUMERAL)
@example(" 10 ")
def test_as_django_has_it(value: object) -> None:
    """The same ids as those of Django's automatic keys, but for numbers without an end, where Django breaks."""
    try:
        expected = None if value is None else BigAutoField().to_python(value)
    except (ValidationError, OverflowError):
        expected = None
    if expected is None:
        with pytest.raises(InvalidUserIdError):
            ids.whole_number(value)
    else:
        assert ids.whole_number(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a-1", "a-1"), (" a ", " a "), (10, "10"), (2**70, str(2**70)), ("x" * 255, "x" * 255)],
)
def test_text(value: object, expected: str) -> None:
    """Text is an id as it is, a whole number as its digits."""
    assert ids.text(value) == expected


@pytest.mark.parametrize("value", ["", "x" * 256, 10**255, True, 1.5, None, [], {}, Decimal(1)])
def test_no_text(value: object) -> None:
    """Nothing, and more than 255 characters, are none."""
    with pytest.raises(InvalidUserIdError):
        ids.text(10**5_000)  # whose digits Python refuses to write
    with pytest.raises(InvalidUserIdError):
        ids.text(value)


@given(st.text())
def test_storable(value: str) -> None:
    """A database takes what is UTF-8 and has no NUL."""
    assert ids.is_storable(value) == ("\0" not in value)
    assert not ids.is_storable(value + "\ud800")
    assert not ids.is_storable(value + "\0")
