"""Redaction: secrets are found wherever they hide, and where it cannot look nothing goes on."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackside.errors import ConfigurationError
from trackside.processors.redaction import RedactionProcessor
from trackside.routing import RoutingBackend

STARS = "********"
redact = RedactionProcessor(patterns=["email", r"EDX-\d+"])


def event(data: Any, **context: Any) -> dict[str, Any]:
    return {"name": "n", "timestamp": datetime.now(UTC), "data": data, "context": context}


@pytest.mark.parametrize(
    ("data", "want"),
    [
        ({"password": "x"}, {"password": STARS}),
        ({"new_password3": "x", "passwordConfirm": "y"}, {"new_password3": STARS, "passwordConfirm": STARS}),
        (
            {"Api-Key": "x", "apiKey": "x", "API_KEY": "x"},
            {"Api-Key": STARS, "apiKey": STARS, "API_KEY": STARS},
        ),
        ({"access_token": ["x"], "tokens_used": 3}, {"access_token": STARS, "tokens_used": 3}),
        ({"deep": [{"secret": {"a": 1}}]}, {"deep": [{"secret": STARS}]}),
        ({"deep": ({"secret": 1},)}, {"deep": [{"secret": STARS}]}),
        ({"who": "Ann <ann@example.org>"}, {"who": f"Ann <{STARS}>"}),
        ({"ann@example.org": 1}, {STARS: 1}),
        ({"id": "EDX-123 and EDX-4"}, {"id": f"{STARS} and {STARS}"}),
        ({"url": "/x?a=1&access_token=zz#top"}, {"url": f"/x?a=1&access_token={STARS}#top"}),
        ({"form": "password=x&email=ann@example.org"}, {"form": f"password={STARS}&email={STARS}"}),
        ({"note": "[link](/x?token=zz)"}, {"note": f"[link](/x?token={STARS}"}),
        ({"bytes": b"ann@example.org"}, {"bytes": STARS}),
        ({"set": {"ann@example.org"}}, {"set": [STARS]}),
    ],
)
def test_secrets_are_found(data: Any, want: Any) -> None:
    assert redact(event(data, page="/?password=x"))["data"] == want
    assert redact(event(data, page="/?password=x"))["context"] == {"page": f"/?password={STARS}"}


def test_text_that_is_json_is_looked_into() -> None:
    inner = json.dumps({"POST": {"password": "x", "b": [1]}})
    result = redact(event({"text": json.dumps({"inner": inner})}))["data"]["text"]
    assert json.loads(json.loads(result)["inner"]) == {"POST": {"password": STARS, "b": [1]}}


@pytest.mark.parametrize(
    "text",
    [
        '{"POST": {"password": "hun',
        '{"event": "{\\"password\\": \\"hun',
        "{'password': 'hunter2'}",
        '[{"a": 1}, {"api_key": 5}',
    ],
)
def test_text_cut_in_the_middle_is_replaced_where_it_names_a_secret(text: str) -> None:
    assert redact(event(text))["data"] == STARS


@pytest.mark.parametrize("text", ['{"a": "b', "{not json}", "[x]", "a = b", "a.b@", "1=2=3"])
def test_other_text_stays(text: str) -> None:
    assert redact(event(text))["data"] == text


@pytest.mark.parametrize(
    "key",
    [
        *(
            "X-Api-Key",
            "HTTP_AUTHORIZATION",
            "Proxy-Authorization",
            "Set-Cookie",
            "credit_card_number",
            "tokens",
        ),
        *("rsa_private_key", "credentials", "pwd", "passcode", "jwt", "otp", "cvc"),
        *("\uff50\uff41\uff53\uff53word", b"cvv", ("password", 1)),
    ],
)
def test_secrets_have_many_names(key: Any) -> None:
    assert redact(event({key: "hunter2"}))["data"] == {key: STARS}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(json.dumps({"password": "hunter2"})),
        json.dumps(json.dumps(json.dumps([{"password": "hunter2"}]))),
        "\ufeff" + json.dumps({"password": "hunter2"}),
        "payload: " + json.dumps({"password": "hunter2"}),
        json.dumps({"password": "hunter2"}) + " and more",
        r'{"pass\u0077ord": "hunter2',
        '{"' + "a" * 250 + 'password": "hunter2',
        "/x?pass%77ord=hunter2",
        "/callback#access_token=hunter2&state=1",
        "/login?next=/reset%3Ftoken%3Dhunter2",
        "POST /x\npassword=hunter2",
    ],
)
def test_secrets_are_found_in_text_within_text(text: str) -> None:
    assert "hunter2" not in redact(event(text))["data"]


def test_keys_and_numbers_of_every_kind_are_searched_for_patterns() -> None:
    cards = RedactionProcessor(keys=[], patterns=["card"])
    data = {4111111111111111: Decimal(4111111111111111), b"4111 1111 1111 1111": 1.5}
    assert cards(event(data))["data"] == {STARS: 1.5}
    assert cards(event([Decimal(4111111111111111), Decimal("1.5")]))["data"] == [STARS, Decimal("1.5")]


def test_an_event_without_secrets_is_the_same_object() -> None:
    given = event({"a": [1, {"b": "c"}], "t": '{"a": 1}', "tuple": (1, 2)}, user_id=1)
    assert redact(given) is given


def test_the_given_event_is_not_changed() -> None:
    given = event({"password": "x", "list": [{"token": "y"}]})
    redact(given)
    assert given["data"] == {"password": "x", "list": [{"token": "y"}]}


def test_the_fields_every_event_has_are_not_replaced_by_key() -> None:
    strict = RedactionProcessor(keys=["*"])
    result = strict({**event({"a": 1}, b=2), "username": "ann"})
    assert result["name"] == "n"
    assert (result["data"], result["context"], result["username"]) == ({"a": STARS}, {"b": STARS}, STARS)


def test_the_name_is_searched_for_patterns() -> None:
    assert redact({"name": "/users/ann@example.org", "data": {}})["name"] == f"/users/{STARS}"


def test_numbers_are_searched_for_patterns() -> None:
    cards = RedactionProcessor(keys=[], patterns=["card"])
    assert cards(event({"n": 4111111111111111, "m": 12, "f": 1.5, "t": "4111 1111 1111 1111"}))["data"] == {
        "n": STARS,
        "m": 12,
        "f": 1.5,
        "t": STARS,
    }


def test_the_replacement_is_taken_as_it_is() -> None:
    own = RedactionProcessor(patterns=["x+"], replacement=r"\g<0>")
    assert own(event("axxb"))["data"] == r"a\g<0>b"


@pytest.mark.parametrize("patterns", ["(", "email", ["("], [5]])
def test_wrong_settings_are_refused(patterns: Any) -> None:
    with pytest.raises(ConfigurationError):
        RedactionProcessor(patterns=patterns)


@pytest.mark.parametrize("keys", ["password", [5], [None]])
def test_keys_are_texts(keys: Any) -> None:
    with pytest.raises(ConfigurationError):
        RedactionProcessor(keys=keys)


class Opaque:
    """Cannot be looked into."""

    password = "hunter2"


def cyclic() -> dict[str, Any]:
    value: dict[str, Any] = {"password": "x"}
    value["self"] = value
    return value


@pytest.mark.parametrize("data", [Opaque(), [Opaque()], cyclic(), '{"a":' * 100_000])
def test_what_cannot_be_looked_into_ends_the_event(data: Any) -> None:
    sent: list[Any] = []

    class Memory:
        def send(self, event: Any) -> None:
            sent.append(event)

    RoutingBackend({"m": Memory()}, [redact]).send(event(data))
    assert "hunter2" not in repr(sent)
    assert sent == []


values = st.recursive(
    st.none() | st.integers() | st.text(st.characters(exclude_characters="{")),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["a", "b", "password"]), inner)
        | st.dictionaries(st.sampled_from(["a", "password"]), inner).map(json.dumps)
    ),
)


def secrets_of(value: Any) -> list[Any]:
    if isinstance(value, str) and value[:1] == "{":
        value = json.loads(value)
    if isinstance(value, dict):
        inner = [secret for each in value.values() for secret in secrets_of(each)]
        return inner + [v for k, v in value.items() if k == "password"]
    return [secret for each in value for secret in secrets_of(each)] if isinstance(value, list) else []


@given(values.filter(lambda value: not isinstance(value, str)))
def test_no_value_of_a_secret_field_is_left(value: Any) -> None:
    result = redact(event(value))["data"]
    assert set(map(str, secrets_of(result))) <= {STARS}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(
        [
            "a=1&password=x",
            '{"password": 1}',
            '["password"]',
            '"{\\u0022password\\u0022\\u003a 1}"',
            '\ufeff{"pin": 2}',
            "cut 'pwd': 1",
            "?next=%3Fpassword%3Dx",
        ]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["pin", "name", "a", "Ⓟin"]) | st.text(max_size=3), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=4))
def test_fields_are_found_alike_with_patterns_and_without(data: dict[str, Any]) -> None:
    """The sooner way, where no text has to be searched, misses none."""
    never = RedactionProcessor(patterns=[r"(?!)"])
    assert RedactionProcessor()({"x": data}) == never({"x": data})
    assert RedactionProcessor().value(data) == never.value(data)


@pytest.mark.parametrize(
    ("names", "value", "want"),
    [
        (("user", "first_name"), "Ada", "Ada"),
        (("user", "password"), "x", STARS),
        (("tokens", "first"), "x", STARS),
        (("user",), {"pin": 1, "mail": "ada@example.org"}, {"pin": STARS, "mail": STARS}),
    ],
)
def test_a_value_is_judged_by_the_names_above_it_too(names: tuple[str, ...], value: Any, want: Any) -> None:
    assert redact.value_under(names, value) == want
