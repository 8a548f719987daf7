"""Tokens that a receiver's own server gives out. Source: RFC 6749, section 4.4 (client credentials), RFC 6750."""

import asyncio
import re
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import quote_plus, urlencode

import msgspec
from msgspec import Struct

from trackside.errors import ConfigurationError
from trackside.outbound.auth import Headers
from trackside.outbound.base import Answer, Client, Failed, Fault, Outgoing
from trackside.outbound.url import parse_url

TIMEOUT_S: Final = 15.0
UNTOLD_S: Final = 300.0
"""How long a token is used that came without a word on its life."""
MARGIN_S: Final = 60.0
PAUSE_S: Final = 5.0
"""How long a failure is told again before the token's server is asked again."""
_VISIBLE: Final = re.compile(r"[\x21-\x7e]{1,7900}")


class _Token(Struct):
    access_token: str
    token_type: str = "Bearer"  # noqa: S105  # the kind of it, no secret
    expires_in: float | str | None = None


class ClientCredentials:
    """A token, fetched through the same client and policy as everything, shared until shortly before it expires.

    Requests that need one at the same time wait for one fetch. What the token's server says is told as the receiver
    would say it: 401 where it does not accept us, 503 where it cannot now, with its Retry-After.
    """

    def __init__(
        self,
        client: Client,
        *,
        token_url: str,
        client_id: str,
        client_secret: str,
        scope: str = "",
        extra: Mapping[str, str] | None = None,
        secret_in_body: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`extra` are further fields to ask with (`audience`, `resource`). Raises ConfigurationError.

        `secret_in_body` is for servers that do not take the id and the secret as a user and a password.
        """
        self._client = client
        self._clock = clock
        self._question = token_question(
            token_url=token_url,
            client_id=client_id,
            client_secret=client_secret,
            scope=scope,
            extra=extra,
            secret_in_body=secret_in_body,
        )
        self._known: Headers | Answer | Failed | None = None
        self._fetched_s = self._until_s = 0.0
        self._fetch: asyncio.Task[Headers | Answer | Failed] | None = None

    async def headers(self, *, timeout_s: float) -> Headers | Answer | Failed:  # the contract's
        """Return the header with the token, or what came instead of one."""
        if self._known is not None and self._clock() < self._until_s:
            return self._known
        if self._fetch is None or self._fetch.done():
            self._fetch = asyncio.create_task(self._fetched())
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.shield(self._fetch)  # who gives up does not take it from the others
        except TimeoutError:
            return Failed(fault=Fault.TIMEOUT, detail="no token within the time", maybe_sent=False)

    def renew(self, refused: Headers) -> bool:
        """Return whether the next `headers` are others: not where the refused ones had just been given out."""
        if self._known is refused:
            if self._clock() < self._fetched_s + PAUSE_S:
                return False  # a receiver that refuses every token must not cost a fetch each time
            self._known = None
        return True

    async def _fetched(self) -> Headers | Answer | Failed:
        outcome = await self._client.send(self._question)
        self._known, life_s = judged_token(outcome)
        self._fetched_s = self._clock()
        self._until_s = self._fetched_s + life_s
        return self._known


def token_question(
    *,
    token_url: str,
    client_id: str,
    client_secret: str,
    scope: str = "",
    extra: Mapping[str, str] | None = None,
    secret_in_body: bool = False,
) -> Outgoing:
    """Return the request for a token; see `ClientCredentials`. Raises ConfigurationError."""
    if isinstance(reason := parse_url(token_url), str):
        raise ConfigurationError(
            f"token_url is not to be asked: {reason}; want https://login.example.org/token"
        )
    if not client_id:
        raise ConfigurationError("client_id is empty; want the id that the token's server knows us by")
    fields = {"grant_type": "client_credentials", **({"scope": scope} if scope else {}), **(extra or {})}
    headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")]
    if secret_in_body:
        fields |= {"client_id": client_id, "client_secret": client_secret}
    else:
        pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
        headers.append(("Authorization", f"Basic {b64encode(pair.encode()).decode()}"))
    return Outgoing(url=token_url, body=urlencode(fields).encode(), headers=headers, timeout_s=TIMEOUT_S)


def judged_token(outcome: Answer | Failed) -> tuple[Headers | Answer | Failed, float]:
    """Return what a fetch came to, and for how long that holds."""
    if isinstance(outcome, Failed):
        return msgspec.structs.replace(
            outcome, detail=f"no token: {outcome.detail}", maybe_sent=False
        ), PAUSE_S
    if outcome.status == HTTPStatus.OK:
        return _token(outcome.body)
    waits = {name: value for name, value in outcome.headers.items() if name == "retry-after"}
    if outcome.status >= HTTPStatus.INTERNAL_SERVER_ERROR or outcome.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Answer(status=HTTPStatus.SERVICE_UNAVAILABLE, headers=waits, body=b""), PAUSE_S
    return Answer(status=HTTPStatus.UNAUTHORIZED, headers={}, body=b""), PAUSE_S


def _token(body: bytes) -> tuple[Headers | Failed, float]:
    try:
        token = msgspec.json.decode(body, type=_Token)
        life_s = UNTOLD_S if token.expires_in is None else float(token.expires_in)
    except (msgspec.MsgspecError, ValueError):
        token, life_s = _Token(access_token=""), 0.0
    if not _VISIBLE.fullmatch(token.access_token) or token.token_type.lower() != "bearer":
        detail = "no token: what its server answered holds none"
        return Failed(fault=Fault.PROTOCOL, detail=detail, maybe_sent=False), PAUSE_S
    life_s = min(max(life_s, 0.0), 86_400.0)
    return [("Authorization", f"Bearer {token.access_token}")], life_s - min(MARGIN_S, life_s / 10)
