"""Sending calls to a server's Segment HTTP API, as a careful client does."""

import base64
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from http.client import HTTPException
from typing import Any

import msgspec

Call = dict[str, Any]
"""One call as Segment's libraries send it."""

_BATCH_BYTES = 450_000
"""Segment's own limit for a batch is 500 KB; other servers may have taken it over."""
_BUSY = frozenset({408, 429, 500, 502, 503, 504})
_ENVELOPE = ("integrations", "_metadata", "groupId", "previousId", "channel", "version")


class NotSent(Exception):  # noqa: N818  # named as what the caller is told
    """The server did not take a batch; the message says why."""


def call(
    kind: str,
    name: str | None,
    user: str | None,
    anonymous: str | None,
    data: dict[str, Any],
    context: dict[str, Any],
) -> Call:
    """Return one call, with an id of its own and somebody it is about."""
    made: Call = {"type": kind, "messageId": str(uuid.uuid4()), "timestamp": _now(), "context": context}
    if name is not None:
        made["event" if kind == "track" else "name"] = name
    if user is not None:
        made["userId"] = user
    if anonymous is not None or user is None:
        made["anonymousId"] = anonymous or str(uuid.uuid4())
    made["traits" if kind in {"identify", "group"} else "properties"] = data
    return made


def as_call(item: dict[str, Any]) -> Call:
    """Return a line of a file as a call with an id; it may also be an event as `tail --json` prints it."""
    if "received_at" in item and "position" in item:
        return _from_event(item)
    made = {"type": "track", **item} if "event" in item else dict(item)
    made.setdefault("messageId", str(uuid.uuid4()))
    return made


def _from_event(event: dict[str, Any]) -> Call:
    kind = event.get("type")
    made: Call = {
        "type": kind,
        "messageId": event.get("id"),
        "timestamp": event.get("timestamp"),
        "context": event.get("context") or {},
        "traits" if kind in {"identify", "group"} else "properties": event.get("data") or {},
    }
    made |= {key: value for key, value in (event.get("extra") or {}).items() if key in _ENVELOPE}
    ids = {"userId": event.get("user_id"), "anonymousId": event.get("anonymous_id")}
    made |= {key: value for key, value in ids.items() if value is not None}
    if kind == "track":
        made["event"] = event.get("name")
    return made


def batches(calls: Iterable[Call], most: int) -> Iterator[list[bytes]]:
    """Divide calls into batches of at most that many, small enough for one request."""
    batch: list[bytes] = []
    size = 0
    for each in calls:
        encoded = msgspec.json.encode(each)
        if batch and (len(batch) >= most or size + len(encoded) > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(encoded)
        size += len(encoded) + 1
    if batch:
        yield batch


class Sender:
    """Sends batches to one server; waits where it is busy or away, as long as allowed."""

    def __init__(
        self,
        url: str,
        write_key: str,
        *,
        give_up_s: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url.rstrip("/")
        self.requests = 0
        self.retries = 0
        self.on_wait: Callable[[str], object] = lambda _: None
        self._key = base64.b64encode(f"{write_key}:".encode()).decode()
        self._give_up_s = give_up_s
        self._clock = clock
        self._sleep = sleep

    def send(self, batch: Sequence[bytes]) -> None:
        """Return once the server has answered that it has the batch. Raises NotSent."""
        if not self.url.lower().startswith(("http://", "https://")):
            raise NotSent(f"{self.url!r} is no URL of a server; want http://… or https://…")
        started, attempt = self._clock(), 0
        while True:
            self.requests += 1
            why, wait_s = self._post(batch)
            if why is None:
                return
            attempt += 1
            wait_s = min(2.0**attempt / 4, 30.0) if wait_s is None else wait_s
            if self._clock() - started + wait_s > self._give_up_s:
                raise NotSent(f"{self.url} {why}")
            self.retries += 1
            self.on_wait(f"{why}; again in {wait_s:.0f} s")
            self._sleep(wait_s)

    def _post(self, batch: Sequence[bytes]) -> tuple[str | None, float | None]:
        """Return (None, None) for success, else why not and how long to wait, if told. Raises NotSent."""
        body = b'{"batch":[' + b",".join(batch) + b'],"sentAt":"' + _now().encode() + b'"}'
        headers = {"Authorization": f"Basic {self._key}", "Content-Type": "application/json"}
        try:
            request = urllib.request.Request(f"{self.url}/v1/batch", body, headers)  # noqa: S310  # the user's own URL
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                answer.read()
                return None, None
        except urllib.error.HTTPError as error:
            with error:
                why = f"answered {error.code}{_message(error.read(10_000))}"
            if error.code not in _BUSY:
                raise NotSent(f"{self.url} {why}") from error
            return why, _seconds(error.headers.get("Retry-After"))
        except ValueError as error:
            raise NotSent(f"{self.url!r} is no URL: {error}") from error
        except (OSError, HTTPException) as error:
            return f"cannot be reached: {getattr(error, 'reason', error)}", None


def _message(body: bytes) -> str:
    try:
        told = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError:
        return ""
    text = told.get("message") or told.get("error")
    return f": {text}" if isinstance(text, str) else ""


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isascii() and text.isdigit() else None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
