"""OAuth 2 client credentials: when a token is fetched, how long it is used, and what its server's no means."""

import asyncio
import json
from base64 import b64decode
from urllib.parse import parse_qs

import pytest

from trackside.errors import ConfigurationError
from trackside.outbound.auth import WithCredentials
from trackside.outbound.base import Answer, Failed, Fault, Outgoing
from trackside.outbound.oauth2 import MARGIN_S, PAUSE_S, UNTOLD_S, ClientCredentials
from trackside.testing.outbound import FakeClient, answer

TOKEN_URL = "https://login.example.org/token"
REQUEST = Outgoing(url="https://hooks.example.org/", body=b"{}", timeout_s=9.0)


class Time:
    """A clock that stands still."""

    now_s = 1_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now_s


class Servers:
    """The token's server and the receiver, behind one client."""

    def __init__(self) -> None:
        self.client = FakeClient(self.reply)
        self.tokens: list[Answer | Failed] = []
        self.given = 0
        self.refused: set[str] = set()
        self.expires_in: object = 3600
        self.gate = asyncio.Event()
        self.gate.set()

    async def reply(self, request: Outgoing) -> Answer | Failed:
        """Give tokens out, and let those in that are not refused."""
        if request.url != TOKEN_URL:
            return answer(401 if dict(request.headers)["Authorization"] in self.refused else 200)
        await self.gate.wait()
        if self.tokens:
            return self.tokens.pop(0)
        self.given += 1
        token = {"access_token": f"t{self.given}", "token_type": "bearer", "expires_in": self.expires_in}
        return answer(200, json.dumps(token).encode())

    @property
    def fetches(self) -> list[Outgoing]:
        """The questions for a token."""
        return [request for request in self.client.requests if request.url == TOKEN_URL]

    @property
    def authorizations(self) -> list[str]:
        """What each other request was authorized by."""
        return [dict(r.headers)["Authorization"] for r in self.client.requests if r.url != TOKEN_URL]


def _client(servers: Servers, clock: Time, **more: bool) -> WithCredentials:
    credentials = ClientCredentials(
        servers.client,
        token_url=TOKEN_URL,
        client_id="me:1",
        client_secret="s%cret ü",
        scope="events.write",
        extra={"audience": "hooks"},
        clock=clock,
        **more,
    )
    return WithCredentials(servers.client, credentials, clock=clock)


def test_a_token_is_fetched_once_and_again_shortly_before_it_expires() -> None:
    async def main() -> None:
        servers, clock = Servers(), Time()
        client = _client(servers, clock)
        for _ in range(3):
            assert await client.send(REQUEST) == answer(200)
        clock.now_s += 3600 - MARGIN_S - 1
        await client.send(REQUEST)
        assert len(servers.fetches) == 1
        clock.now_s += 1
        await client.send(REQUEST)
        assert servers.authorizations == ["Bearer t1"] * 4 + ["Bearer t2"]

    asyncio.run(main())


def test_how_it_is_asked_for() -> None:
    async def main() -> None:
        servers = Servers()
        await _client(servers, Time()).send(REQUEST)
        fetch = servers.fetches[0]
        headers = dict(fetch.headers)
        assert b64decode(headers["Authorization"].removeprefix("Basic ")) == b"me%3A1:s%25cret+%C3%BC"
        assert headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert parse_qs(fetch.body.decode()) == {
            "grant_type": ["client_credentials"],
            "scope": ["events.write"],
            "audience": ["hooks"],
        }
        servers = Servers()
        await _client(servers, Time(), secret_in_body=True).send(REQUEST)
        fields = parse_qs(servers.fetches[0].body.decode())
        assert fields["client_id"] == ["me:1"]
        assert fields["client_secret"] == ["s%cret ü"]
        assert "Authorization" not in dict(servers.fetches[0].headers)

    asyncio.run(main())


def test_requests_at_the_same_time_share_one_fetch() -> None:
    async def main() -> None:
        servers = Servers()
        servers.gate.clear()
        client = _client(servers, Time())
        sending = [asyncio.create_task(client.send(REQUEST)) for _ in range(20)]
        await asyncio.sleep(0)
        sending[0].cancel()  # whoever began the fetch may go
        await asyncio.sleep(0)
        servers.gate.set()
        assert await asyncio.gather(*sending[1:]) == [answer(200)] * 19
        assert len(servers.fetches) == 1

    asyncio.run(main())


def test_after_a_401_it_is_fetched_anew_once() -> None:
    async def main() -> None:
        servers, clock = Servers(), Time()
        client = _client(servers, clock)
        await client.send(REQUEST)
        clock.now_s += PAUSE_S
        servers.refused = {"Bearer t1"}
        outcomes = await asyncio.gather(*(client.send(REQUEST) for _ in range(5)))
        assert outcomes == [answer(200)] * 5
        assert len(servers.fetches) == 2
        clock.now_s += PAUSE_S
        servers.refused = {"Bearer t2", "Bearer t3"}
        assert await client.send(REQUEST) == answer(401)
        assert len(servers.fetches) == 3

    asyncio.run(main())


def test_a_receiver_that_refuses_every_token_does_not_cost_a_fetch_each_time() -> None:
    async def main() -> None:
        servers = Servers()
        servers.refused = {"Bearer t1"}
        client = _client(servers, Time())
        assert [await client.send(REQUEST) for _ in range(9)] == [answer(401)] * 9
        assert len(servers.fetches) == 1

    asyncio.run(main())


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (answer(400, b'{"error": "invalid_client"}'), answer(401)),
        (answer(401), answer(401)),
        (answer(302, headers={"Location": "https://x.example"}), answer(401)),
        (answer(410), answer(401)),
        (answer(500), answer(503)),
        (answer(429, headers={"Retry-After": "7", "X": "y"}), answer(503, headers={"retry-after": "7"})),
    ],
)
def test_what_the_token_s_server_says_is_told_as_the_receiver_would(said: Answer, told: Answer) -> None:
    async def main() -> None:
        servers, clock = Servers(), Time()
        servers.tokens = [said]
        client = _client(servers, clock)
        assert await client.send(REQUEST) == told
        assert await client.send(REQUEST) == told
        assert len(servers.fetches) == 1, "the token's server was asked again at once"
        clock.now_s += PAUSE_S
        assert await client.send(REQUEST) == answer(200)

    asyncio.run(main())


@pytest.mark.parametrize(
    "body",
    [
        *(
            b"",
            b"[]",
            b"{}",
            b'{"access_token": ""}',
            b'{"access_token": 1}',
            b'{"access_token": "a b"}',
            b"\xff",
        ),
        *(b'{"access_token": "a\\r\\nX: y"}', b'{"access_token": "a", "token_type": "mac"}'),
        b'{"access_token": "a", "expires_in": "soon"}',
    ],
)
def test_an_answer_without_a_token_is_no_answer(body: bytes) -> None:
    async def main() -> None:
        servers = Servers()
        servers.tokens = [answer(200, body)]
        outcome = await _client(servers, Time()).send(REQUEST)
        assert isinstance(outcome, Failed)
        assert outcome.fault is Fault.PROTOCOL
        assert not outcome.maybe_sent

    asyncio.run(main())


def test_a_failure_of_the_token_s_server_is_told_and_nothing_was_sent() -> None:
    async def main() -> None:
        servers = Servers()
        servers.tokens = [Failed(fault=Fault.UNREACHABLE, detail="Connection refused")]
        assert await _client(servers, Time()).send(REQUEST) == Failed(
            fault=Fault.UNREACHABLE, detail="no token: Connection refused", maybe_sent=False
        )

    asyncio.run(main())


def test_waiting_for_a_token_counts_for_the_deadline() -> None:
    async def main() -> None:
        servers = Servers()
        servers.gate.clear()
        request = Outgoing(url=REQUEST.url, body=b"", timeout_s=0.05)
        outcome = await _client(servers, Time()).send(request)
        assert outcome == Failed(fault=Fault.TIMEOUT, detail="no token within the time", maybe_sent=False)
        servers.gate.set()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("expires_in", "used_s"), [(None, UNTOLD_S * 0.9), ("100", 90), (0, 0), (-5, 0), (1e300, 86_340)]
)
def test_how_long_a_token_is_used(expires_in: object, used_s: float) -> None:
    async def main() -> None:
        servers, clock = Servers(), Time()
        servers.expires_in = expires_in
        client = _client(servers, clock)
        await client.send(REQUEST)
        clock.now_s += max(used_s - 0.5, 0)
        await client.send(REQUEST)
        assert len(servers.fetches) == (2 if used_s == 0 else 1)
        clock.now_s += 1
        await client.send(REQUEST)
        assert len(servers.fetches) == (3 if used_s == 0 else 2)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("token_url", "client_id"),
    [("ftp://x.example/", "me"), ("https://u:p@x.example/", "me"), (TOKEN_URL, "")],
)
def test_settings_that_cannot_work_are_told(token_url: str, client_id: str) -> None:
    with pytest.raises(ConfigurationError, match="want") as caught:
        ClientCredentials(FakeClient(), token_url=token_url, client_id=client_id, client_secret="topsecret")
    assert "topsecret" not in str(caught.value)
