"""Posts batches to a Trackside server over one connection that is kept open."""

import http.client
import ssl
import zlib
from base64 import b64encode
from contextlib import suppress
from copy import copy
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from trackside.errors import ConfigurationError

TIMEOUT_S = 15.0
LONGEST_ASKED_S = 300.0
COMPRESSED_FROM_BYTES = 1_024
_SLOW_S = 30.0
"""What only somebody who changes a setting can correct is not asked for more often."""
_abandoned: list[http.client.HTTPConnection | None] = []


class Taken(Struct, frozen=True):
    """The server has the batch on disk."""


class Later(Struct, frozen=True):
    """The server has nothing of it; `after_s` is how long to wait at least."""

    reason: str
    after_s: float = 0.0


class Refused(Struct, frozen=True):
    """The server will not take this batch as it is."""

    reason: str


Answer = Taken | Later | Refused


class BatchClient:
    """Speaks to one server, from one thread at a time."""

    def __init__(self, url: str, write_key: str, *, timeout_s: float = TIMEOUT_S) -> None:
        """`url` is the server's, without `/v1/batch`. Raises ConfigurationError."""
        try:
            parts = urlsplit(url)
            usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
        except ValueError:
            usable = False
        if not usable or not parts.hostname:
            raise ConfigurationError(
                f"the forwarder's url is {url!r}; want the server's, https://events.example.org"
            )
        if not write_key:
            raise ConfigurationError(
                "the forwarder's write_key is empty; want that of a source of the server"
            )
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._path = parts.path.rstrip("/") + "/v1/batch"
        self._authorization = "Basic " + b64encode(f"{write_key}:".encode()).decode()
        self._timeout_s = timeout_s
        self._connection: http.client.HTTPConnection | None = None

    def another(self) -> "BatchClient":
        """Return a client for the same server with a connection of its own, for a forked child."""
        _abandoned.append(self._connection)  # the parent's: to let it go here could end it there
        other = copy(self)
        other.forget_connection()
        return other

    def forget_connection(self) -> None:
        """Open another connection with the next `post`, and leave the present one as it is."""
        self._connection = None

    def post(self, body: bytes) -> Answer:
        """Send a batch and return what became of it. Never raises for what a network or a server does."""
        headers = {"Authorization": self._authorization, "Content-Type": "application/json"}
        if len(body) >= COMPRESSED_FROM_BYTES:
            body = zlib.compress(body, 1, wbits=31)
            headers["Content-Encoding"] = "gzip"
        kept = self._connection is not None
        try:
            return self._post(body, headers)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if not kept:
                return Later(f"the server cannot be reached: {type(error).__name__}")
        try:  # a server closes connections that rest; a repeated batch is stored once
            return self._post(body, headers)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return Later(f"the server cannot be reached: {type(error).__name__}")

    def close(self) -> None:
        """Close the connection; the next `post` opens another one."""
        if self._connection is not None:
            with suppress(OSError):
                self._connection.close()
            self._connection = None

    def _post(self, body: bytes, headers: dict[str, str]) -> Answer:
        if self._connection is None:
            self._connection = self._connect()
        self._connection.request("POST", self._path, body, headers)
        response = self._connection.getresponse()
        text = response.read(65_536)
        if not response.isclosed():
            self.close()  # an answer that long is no server's of ours
        return _judge(response.status, response.headers.get("Retry-After"), text)

    def _connect(self) -> http.client.HTTPConnection:
        if self._secure:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(
                self._host, self._port, timeout=self._timeout_s, context=context
            )
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)


def _judge(status: int, retry_after: str | None, text: bytes) -> Answer:
    if status == http.HTTPStatus.OK and b'"success"' in text:
        return Taken()
    code = _code(text)
    if status == http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return Refused("the server answered 413: too large")
    if status == http.HTTPStatus.BAD_REQUEST and code and code != "invalid_write_key":
        return Refused(f"the server answered 400: {code}")
    after_s = _asked_s(retry_after)
    if 200 <= status < 500 and status not in {408, 425, 429}:
        # a redirect, a wrong key or path, something else that answers there: the events are kept
        after_s = max(after_s, _SLOW_S)
    return Later(f"the server answered {status}{f': {code}' if code else ''}", after_s)


class _Failure(Struct):
    """The body of an answer that says no."""

    code: str = ""


def _code(text: bytes) -> str:
    """Return the word by which a server of ours says why it takes nothing; "" where something else answers."""
    try:
        return msgspec.json.decode(text, type=_Failure).code
    except msgspec.MsgspecError:
        return ""


def _asked_s(retry_after: str | None) -> float:
    """Return what a Retry-After asks for, in seconds or as a date; 0 where it is absent or nonsense."""
    if not retry_after:
        return 0.0
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            moment = parsedate_to_datetime(retry_after)
        except ValueError:
            return 0.0
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = (aware - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), LONGEST_ASKED_S) if isfinite(seconds) else 0.0
