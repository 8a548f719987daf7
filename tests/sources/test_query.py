"""Queries and forms are read as the standard library reads them."""

from urllib.parse import parse_qsl, urlencode

from hypothesis import example, given
from hypothesis import strategies as st

from trackside.sources.query import query_member, query_members

PIECES = st.sampled_from(
    [
        "%",
        "%2",
        "%22",
        "%25",
        "%32",
        "%3A",
        "%3a",
        "%7B",
        "%26",
        "%3D",
        "%2B",
        "%20",
        "%C3%A9",
        "%ff",
        "+",
        "&",
        "=",
    ]
)


@given(st.lists(PIECES | st.text(max_size=3), max_size=12).map("".join))
@example("%2522=%25%32%32&%%22=%%32%32&a")
@example("%2%222=%25%7B2%2")
def test_as_the_standard_library_does(text: str) -> None:
    """Each escape is undone once, whatever stands beside it."""
    query = text.encode()
    assert list(query_members(query)) == parse_qsl(text, keep_blank_values=True, errors="replace")


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=4))
def test_what_was_written_is_read(fields: dict[str, str]) -> None:
    assert dict(query_members(urlencode(fields).encode())) == fields


@given(st.binary(max_size=50))
def test_any_bytes(query: bytes) -> None:
    dict(query_members(query))


def test_the_last_value_counts() -> None:
    assert query_member(b"a=1&a=%22&b", "a") == '"'
    assert query_member(b"a=1&b", "b") == ""
    assert query_member(b"a=1", "c") is None
