"""Who we are, on every request: fixed headers, passwords, tokens."""

import asyncio
from base64 import b64encode

import pytest

from trackside.errors import ConfigurationError
from trackside.outbound.auth import FixedHeaders, WithCredentials, basic, bearer
from trackside.outbound.base import Client, Failed, Outgoing
from trackside.testing.outbound import FakeClient, answer

REQUEST = Outgoing(
    url="https://hooks.example.org/", body=b"{}", headers=[("X-A", "1"), ("authorization", "no")]
)


def _sent(credentials: FixedHeaders) -> list[tuple[str, str]]:
    inner = FakeClient()
    client: Client = WithCredentials(inner, credentials)
    asyncio.run(client.send(REQUEST))
    return [*inner.requests[0].headers]


def test_they_are_added_and_take_the_place_of_the_request_s_own() -> None:
    assert _sent(FixedHeaders([("X-Key", "k")])) == [*REQUEST.headers, ("X-Key", "k")]
    assert _sent(bearer("abc.def")) == [("X-A", "1"), ("Authorization", "Bearer abc.def")]
    assert _sent(basic("me", "päss:word")) == [
        ("X-A", "1"),
        ("Authorization", "Basic " + b64encode("me:päss:word".encode()).decode()),
    ]


@pytest.mark.parametrize(
    "header",
    [
        *(("X-A", "secret\r\nX-B: 1"), ("X-A", "secret\n"), ("X-A", "secret\r"), ("X-A", "secret\x00")),
        *(("X-A\r\nX-B", "secret"), ("X A", "secret"), ("", "secret"), ("X-A:", "secret"), ("Ä", "secret")),
        *(("Host", "secret"), ("content-length", "secret"), ("Transfer-Encoding", "secret")),
        *(("Connection", "secret"), ("Proxy-Authorization", "secret"), ("Expect", "secret")),
        *(("X-A", "secret" * 2_000), ("X" * 257, "secret"), ("X-A", "secret\ud800")),
    ],
)
def test_what_would_break_the_request_is_refused_without_showing_it(header: tuple[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=r"^headers: ") as caught:
        FixedHeaders([header])
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("user", "password"), [("a:b", "secret"), ("a\n", "secret"), ("a", "secret\r\n")])
def test_a_password_that_cannot_be_sent_is_refused(user: str, password: str) -> None:
    with pytest.raises(ConfigurationError, match="no control characters") as caught:
        basic(user, password)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("token", ["", "a b", "a\n", "ü"])
def test_a_token_that_cannot_be_sent_is_refused(token: str) -> None:
    with pytest.raises(ConfigurationError, match="visible ASCII"):
        bearer(token)


def test_fixed_ones_are_not_tried_twice_and_the_client_is_closed_with_it() -> None:
    inner = FakeClient([answer(401)])
    client = WithCredentials(inner, bearer("t"))

    async def main() -> None:
        assert (await client.send(REQUEST)) == answer(401)
        await client.close()
        assert isinstance(await client.send(REQUEST), Failed)

    asyncio.run(main())
    assert len(inner.requests) == 1
    assert inner.closed
