"""The event's data: JSON as what it says, everything else as the text it is, and always well formed."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.browser.requests import PLAIN, accepted, as_json, data_of, form, make_source, post, refused
from trackside.config.settings import LimitSettings
from trackside.sources.browser.reading import value_of
from trackside.sources.browser.stored import stored_data
from trackside.sources.json_text import repair

DEEP = "[" * 20_000 + "]" * 20_000


@pytest.mark.parametrize(
    ("said", "data"),
    [
        ("5", 5),
        ('"username"', "username"),
        ("[1, 2]", [1, 2]),
        ("null", {}),
        ("", {}),
        ("{}", {}),
        (" { } ", {}),
        *((nothing, {}) for nothing in ("0", "-0.0", "0e7", "false", '""', "[]", "[\n]", "[ ]")),
        ("true", True),
        ("0.5", 0.5),
        ("-1", -1),
        ("[0]", [0]),
        ("no json", "no json"),
        ("{broken", "{broken"),
        ("NaN", "NaN"),
        ('{"a": NaN}', '{"a": NaN}'),
        ('{"a": Infinity, "b": "\\ud800"}', '{"a": Infinity, "b": "\\ud800"}'),
        (DEEP, DEEP),
        ("1" * 5_000, "1" * 5_000),
        ('{"a": %s}' % ("1" * 5_000), '{"a": %s}' % ("1" * 5_000)),
        ('{"a": "%s"}' % ("1" * 5_000), {"a": "1" * 5_000}),
        ("\x00", "\x00"),
        ('{"a": "\\ud800"}', {"a": "\ufffd"}),
        ('{"\\udfff": "\\ud83d\\ude00"}', {"\ufffd": "\U0001f600"}),
        ('{"a":\n1}', {"a": 1}),
        ('{"a": 1, "a": 2}', {"a": 2}),
        ("\u00e9 \u2028", "\u00e9 \u2028"),
        ("\ufeff{}", "\ufeff{}"),
    ],
)
def test_whatever_the_event_is(said: str, data: object) -> None:
    """In a form, and as a text in JSON."""
    assert data_of(accepted(form(event=said))) == data
    assert data_of(accepted(post(as_json(event=said), PLAIN))) == data


@pytest.mark.parametrize(
    "value", [{"a": [1.10, None]}, [], 0, False, "", None, 7, "text", ["x"], {"a": "\u00e9"}]
)
def test_data_that_is_json_already(value: object) -> None:
    assert data_of(accepted(post(as_json(event=value), PLAIN))) == (value or {})


def test_what_the_data_says_stays_as_it_is() -> None:
    """Spelling of numbers, order and spaces too."""
    text = '{"b": 1.10, "a" :1e3, "c":9007199254740993}'
    assert bytes(accepted(form(event=text)).data) == text.encode()
    assert bytes(accepted(post(f'{{"event": {text}}}', PLAIN)).data) == text.encode()


@pytest.mark.parametrize("levels", [8, 9])
def test_the_limit_of_nesting(levels: int) -> None:
    """A text that is deeper stays a text; a body that is, is refused."""
    source = make_source(LimitSettings(depth=8))
    text = "[" * (levels - 1) + "1" + "]" * (levels - 1)
    text = f'{{"a": {text}}}'
    data = data_of(accepted(form(event=text), source))
    assert data == (json.loads(text) if levels == 8 else text)
    body = post(f'{{"event": {text}}}', PLAIN)
    if levels == 8:
        assert data_of(accepted(body, source)) == json.loads(text)
    else:
        assert refused(body, source)[1].detail == "the body is nested too deeply"


def test_an_event_that_is_too_large() -> None:
    """Its data and its page count, not what the form makes of them."""
    text = json.dumps({"a": "\u00e9" * 5_000})
    assert accepted(form(event=text, page="x")).decoded_data()["a"]
    for request in (form(event="x" * 66_000), form(page="x" * 66_000)):
        status, reject = refused(request)
        assert (status, reject.reason) == (413, "too_large")
        assert "limits.event_bytes" in reject.detail


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
TEXTS = st.one_of(
    JSON.map(json.dumps),
    JSON.map(lambda value: json.dumps(value, indent=1)),
    st.tuples(JSON.map(json.dumps), st.sampled_from(["\\ud800", "}", "NaN", "\n", " ", "0", "\\", '"'])).map(
        lambda pair: pair[0].replace("a", pair[1]) + pair[1] * (len(pair[0]) % 2)
    ),
    st.text(max_size=10),
    st.sampled_from(["0" * 3, "1e999", "-0", "[" * 9 + "]" * 9, '{"a":"\\udc00\\ud800"}']),
)


@given(TEXTS)
def test_it_is_what_the_django_view_emits(text: str) -> None:
    """Both read a text alike; half pairs of surrogates are repaired here, and numbers beyond floats stay."""
    clean = text.encode("utf-8", "replace").decode()
    stored = stored_data(clean, depth=8)
    value = value_of(clean) or {}
    expected = clean if _depth(value) > 8 else value
    assert b"\n" not in stored
    assert _told(json.loads(stored)) == _told(json.loads(repair(json.dumps(expected).encode())))


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)


def _told(value: Any) -> str:
    return json.dumps(value).replace("-Infinity", "null").replace("Infinity", "null")


def test_a_form_and_its_bytes() -> None:
    """What is not UTF-8 is replaced, as Django does."""
    assert data_of(accepted(post(b"event_type=x&event=%ff"))) == "\ufffd"
    assert accepted(post(urlencode({"event_type": "\u00e9 +&="}))).name == "\u00e9 +&="
