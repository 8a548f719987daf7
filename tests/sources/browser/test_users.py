"""The user an event names gets an id, where the directory has one."""

import json
from typing import Any

import pytest

from tests.sources.browser.requests import PLAIN, Accounts, accepted, as_json, form, make_source, post
from trackside.sources.base import NeedsUsers
from trackside.users.base import Wanted


@pytest.mark.parametrize(
    ("said", "data"),
    [
        ({"username": "honor", "a": 1.5}, {"username": "honor", "a": 1.5, "user_id": 7}),
        ({"username": "uuid"}, {"username": "uuid", "user_id": "b-1"}),
        ({"username": "nobody"}, {"username": "nobody"}),
        ({"username": "honor", "user_id": 1}, {"username": "honor", "user_id": 1}),
        ({"username": "honor", "user_id": None}, {"username": "honor", "user_id": None}),
        ({"username": 7}, {"username": 7}),
        ({"username": None}, {"username": None}),
        ({"username": ["honor"]}, {"username": ["honor"]}),
        ({"username": ""}, {"username": ""}),
        ({"username": "a\x00b"}, {"username": "a\x00b"}),
        ({"a": {"username": "honor"}}, {"a": {"username": "honor"}}),
    ],
)
def test_who_gets_an_id(said: dict[str, Any], data: dict[str, Any]) -> None:
    source = make_source(directory=Accounts(honor=7, uuid="b-1"))
    for request in (form(event=json.dumps(said)), post(as_json(event=said), PLAIN)):
        event = accepted(request, source)
        assert event.decoded_data() == data
        assert event.user_id is None
        assert event.decoded_context()["username"] == "anonymous"


@pytest.mark.parametrize("text", ['{"\\u0075sername": "honor"}', '{"username": "\\u0068onor"}'])
def test_a_name_in_another_spelling(text: str) -> None:
    event = accepted(form(event=text), make_source(directory=Accounts(honor=7)))
    assert event.decoded_data() == {"username": "honor", "user_id": 7}


@pytest.mark.parametrize("text", ['"username"', '["username", "honor"]', "username", '{"a": "username"}'])
def test_what_is_no_object_names_nobody(text: str) -> None:
    assert b"user_id" not in bytes(accepted(form(event=text), make_source(directory=Accounts(honor=7))).data)


def test_a_user_is_looked_up_first() -> None:
    """The server is told whom to load."""
    directory = Accounts(honor=7)
    needs = make_source(directory=directory).decode(form(event='{"username": "honor"}'))
    assert isinstance(needs, NeedsUsers)
    assert (needs.directory, needs.source) == (directory, "web")
    assert needs.wanted == {Wanted("username", "honor")}
    assert needs.otherwise is not None
    assert [event.decoded_data() for event in needs.otherwise.events] == [{"username": "honor"}]


def test_without_users_nobody_is_asked() -> None:
    assert accepted(form(event='{"username": "honor"}')).decoded_data() == {"username": "honor"}
