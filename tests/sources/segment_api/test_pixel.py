"""Events in the query of a picture's address."""

import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus

import pytest

from tests.sources.segment_api.requests import KEY, basic, decode, only, reasons
from trackside.sources.base import Decoded
from trackside.testing.source_contract import request_of

EVENT = {
    "writeKey": KEY,
    "userId": "u>>>???",
    "event": "Opened ÿÿÿ",
    "messageId": "m",
    "properties": {"a": 1},
}
ENCODED = b64encode(json.dumps(EVENT, ensure_ascii=False).encode()).decode()
DOTTED = f"writeKey={KEY}&userId=u&messageId=m"


def pixel(query: str, path: str = "/v1/pixel/track", headers: dict[bytes, bytes] | None = None) -> Decoded:
    decoded = decode(request_of("GET", path, headers=headers, query=query.encode()))
    assert decoded.reply.status == 200
    assert decoded.reply.content_type == b"image/gif"
    assert decoded.reply.body.startswith(b"GIF89a")
    assert len(decoded.reply.body) == 43
    return decoded


@pytest.mark.parametrize(
    "data",
    [
        quote(ENCODED, safe=""),
        quote(ENCODED.rstrip("="), safe=""),
        ENCODED,  # a plus sign that nobody escaped reads as a space
        urlsafe_b64encode(json.dumps(EVENT).encode()).decode(),
        urlsafe_b64encode(json.dumps(EVENT).encode()).decode().rstrip("="),
        quote_plus(b64encode(b"\xef\xbb\xbf" + json.dumps(EVENT).encode())),
    ],
)
@pytest.mark.parametrize("path", ["/v1/pixel/track", "/v1/pixel/track/", "/pixel/v1/track"])
def test_base64_of_any_alphabet(path: str, data: str) -> None:
    """Both alphabets, with and without padding."""
    event = only(pixel(f"data={data}", path))
    assert (event.id, event.type, event.name, event.user_id) == (
        "m",
        "track",
        EVENT["event"],
        EVENT["userId"],
    )
    assert event.decoded_data() == {"a": 1}


def test_dotted_parameters() -> None:
    """Each parameter is a member; dots lead inside."""
    query = f"{DOTTED}&event=E&properties.a=1&properties.b.c=x%20y&context.page.url=https%3A%2F%2Fexample.org"
    event = only(pixel(query))
    assert event.decoded_data() == {"a": "1", "b": {"c": "x y"}}
    assert event.decoded_context() == {"page": {"url": "https://example.org"}}
    assert (event.name, event.user_id) == ("E", "u")


@pytest.mark.parametrize("name", ["identify", "page", "screen", "group", "alias"])
def test_every_type(name: str) -> None:
    """The path says which."""
    assert only(pixel(f"{DOTTED}&groupId=g&previousId=p", f"/v1/pixel/{name}")).type == name


def test_keys_in_other_places() -> None:
    """The query beside the data, and the header."""
    data = quote(b64encode(json.dumps({**EVENT, "writeKey": None}).encode()))
    assert only(pixel(f"data={data}&writeKey={KEY}")).source == "web"
    assert only(pixel(f"data={data}", headers=dict(basic()))).source == "web"


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "invalid_write_key"),
        ("data=", "invalid_pixel"),
        ("data=!!!", "invalid_pixel"),
        ("data=a", "invalid_pixel"),
        ("data=%FF%FE", "invalid_pixel"),
        (f"data={quote(b64encode(bytes(range(128, 256))))}", "invalid_pixel"),
        (f"data={quote(b64encode(b'[1]'))}", "not_an_object"),
        (f"{DOTTED}", "missing_event"),
        (f"{DOTTED}&event=E&a{'.a' * 200}=1", "too_deep"),
        ("writeKey=nobody&event=E&userId=u", "invalid_write_key"),
    ],
)
def test_a_bad_pixel_is_a_picture_all_the_same(query: str, reason: str) -> None:
    """The page must not show a broken image; the reject says why."""
    decoded = pixel(query)
    assert not decoded.events
    assert reasons(decoded) == [reason]


def test_parameters_that_contradict_each_other() -> None:
    """`a` cannot be a text and an object: the object stays, whichever came first."""
    for query in (
        "properties=x&properties.a=1",
        "properties.a=1&properties=x",
        "properties.a=0&properties.a=1",
    ):
        assert only(pixel(f"{DOTTED}&event=E&{query}")).decoded_data() == {"a": "1"}
