"""How a request says who we are: headers of the receiver's choice, a password, a token, OAuth 2.

`WithCredentials` puts them on every request of a client, and is itself a client.
"""

import re
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Final, Protocol

import msgspec

from trackside.errors import ConfigurationError
from trackside.outbound.base import Answer, Client, Failed, Outgoing
from trackside.outbound.headers import why_not_header

Headers = Sequence[tuple[str, str]]
_VISIBLE: Final = re.compile(r"[\x21-\x7e]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


class Credentials(Protocol):
    """What makes a request ours."""

    async def headers(self, *, timeout_s: float) -> Headers | Answer | Failed:
        """Return the headers to add, or what came instead of them. Raises only CancelledError."""
        ...

    def renew(self, refused: Headers) -> bool:
        """Return whether others may be had in place of those that were answered 401."""
        ...


class FixedHeaders:
    """Credentials that are always the same headers."""

    def __init__(self, headers: Iterable[tuple[str, str]]) -> None:
        """Raises ConfigurationError for a header that must not be sent; no value is in its message."""
        self._headers = tuple(headers)
        for name, value in self._headers:
            if reason := why_not_header(name, value):
                raise ConfigurationError(
                    f"headers: {reason}; want names and values of one line, not of the client's own"
                )

    @property
    def fixed(self) -> Headers:
        """The headers, for who needs not wait for them."""
        return self._headers

    async def headers(self, *, timeout_s: float) -> Headers:  # noqa: ARG002  # the contract's
        """Return them."""
        return self._headers

    def renew(self, refused: Headers) -> bool:  # noqa: ARG002  # the contract's
        """Return False: there are no others."""
        return False


def basic(user: str, password: str) -> FixedHeaders:
    """Return a user's name and password, as RFC 7617 has them. Raises ConfigurationError."""
    if ":" in user or _CONTROL.search(user + password):
        raise ConfigurationError(
            "a destination's user or password is not good;"
            " want no control characters, and no colon in the user"
        )
    token = b64encode(f"{user}:{password}".encode()).decode()
    return FixedHeaders([("Authorization", f"Basic {token}")])


def bearer(token: str) -> FixedHeaders:
    """Return a token, as RFC 6750 has it. Raises ConfigurationError."""
    if not _VISIBLE.fullmatch(token):
        raise ConfigurationError("a destination's token is not good; want visible ASCII without spaces")
    return FixedHeaders([("Authorization", f"Bearer {token}")])


def check_ways(ways: Mapping[str, object], headers: Iterable[str]) -> None:
    """Raise ConfigurationError where more than one way to authorize is given.

    `ways` are settings that are one each, true where they are given; a header Authorization is one as well.
    """
    chosen = [name for name, value in ways.items() if value]
    chosen += ["headers.Authorization" for name in headers if name.lower() == "authorization"]
    if len(chosen) > 1:
        raise ConfigurationError(f"{' and '.join(chosen)} are given; want one way to authorize")


class WithCredentials:
    """Sends through another client with credentials on each request, and once more with new ones after a 401.

    The deadline is that of the request, whatever is waited for. A header that the request has itself gives way.
    """

    def __init__(
        self, client: Client, credentials: Credentials, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._credentials = credentials
        self._clock = clock

    async def send(self, request: Outgoing) -> Answer | Failed:
        """Return what came back. Raises only CancelledError."""
        until_s = self._clock() + request.timeout_s
        headers, outcome = await self._try(request, until_s)
        if headers is None or not isinstance(outcome, Answer) or outcome.status != HTTPStatus.UNAUTHORIZED:
            return outcome
        if self._credentials.renew(headers) and until_s > self._clock():
            _, outcome = await self._try(request, until_s)
        return outcome

    async def close(self) -> None:
        """Close the client that is sent through."""
        await self._client.close()

    async def _try(self, request: Outgoing, until_s: float) -> tuple[Headers | None, Answer | Failed]:
        headers = await self._credentials.headers(timeout_s=max(until_s - self._clock(), 0.0))
        if isinstance(headers, Answer | Failed):
            return None, headers
        names = {name.lower() for name, _ in headers}
        others = [header for header in request.headers if header[0].lower() not in names]
        timeout_s = max(until_s - self._clock(), 0.0)
        ours = msgspec.structs.replace(request, headers=[*others, *headers], timeout_s=timeout_s)
        return headers, await self._client.send(ours)
