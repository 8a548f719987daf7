"""The collector: one request in, its events in the log, one reply out."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from trackside.errors import LogBusy, LogClosed
from trackside.event import Reject
from trackside.log.base import Unavailable
from trackside.pipeline.accept import Pipeline
from trackside.server.asgi import Headers, Receive, Scope, Send, respond
from trackside.server.body import BodyRefused, Buffers, ClientGone, read_body
from trackside.server.client import ClientAddress
from trackside.server.commits import Commits
from trackside.sources.base import Decoded, Reply, Request, Source
from trackside.sources.segment_api import cors

logger = logging.getLogger("trackside.server")


class Collector:
    """An ASGI application for the paths of one source. Made in the event loop it serves."""

    def __init__(
        self, source: Source, pipeline: Pipeline, *, addresses: ClientAddress, body_limit: int, buffers: Buffers
    ) -> None:
        self._source = source
        self._pipeline = pipeline
        self._addresses = addresses
        self._body_limit = body_limit
        self._buffers = buffers
        self._commits = Commits()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        received_at = datetime.now(UTC)
        headers = dict(scope["headers"])
        if scope["method"] == "OPTIONS":
            await respond(send, 204, b"", headers=cors.preflight_headers(headers))
            return
        try:
            body = await read_body(receive, headers, limit=self._body_limit, buffers=self._buffers)
        except ClientGone:
            return
        except BodyRefused as refused:
            decoded = _refused(refused, received_at)
            body = b""
        else:
            decoded = self._decode(scope, headers, body, received_at)
        reply = await self._keep(decoded, len(body))
        await respond(
            send,
            reply.status,
            reply.body,
            content_type=reply.content_type,
            headers=_reply_headers(reply, headers),
        )

    def _decode(
        self, scope: Scope, headers: Mapping[bytes, bytes], body: bytes, received_at: datetime
    ) -> Decoded:
        request = Request(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"],
            headers=headers,
            body=body,
            received_at=received_at,
            client_ip=self._addresses.ip(scope, headers),
            scheme=self._addresses.scheme(scope, headers),
        )
        try:
            return self._source.decode(request)
        except Exception:  # the border: a defect of ours must not look like the client's, and is answered "later"
            logger.exception("A request could not be decoded")
            return Decoded(reply=_failure(503, "internal", "the request could not be handled", retry_after_s=60))

    async def _keep(self, decoded: Decoded, size_bytes: int) -> Reply:
        """Return the reply, once everything the request brought is durable."""
        if not decoded.events and not decoded.rejects:
            return decoded.reply
        future, done = self._commits.expect()
        try:
            self._pipeline.accept(decoded, size_bytes, done)
        except LogBusy as busy:
            return _failure(429, "overloaded", "too many events wait to be stored", retry_after_s=busy.retry_after_s)
        except LogClosed:
            return _failure(503, "stopping", "the server is stopping", retry_after_s=1)
        receipt = await future
        if isinstance(receipt, Unavailable):
            return _failure(503, "unavailable", "events cannot be stored now", retry_after_s=receipt.retry_after_s)
        return decoded.reply


def _reply_headers(reply: Reply, headers: Mapping[bytes, bytes]) -> Headers:
    shared = cors.reply_headers(headers)
    return [*shared, *reply.headers] if reply.headers else shared


def _refused(refused: BodyRefused, received_at: datetime) -> Decoded:
    reply = _failure(refused.status, refused.code, str(refused), retry_after_s=refused.retry_after_s)
    if refused.status == 429:
        return Decoded(reply=reply)
    reject = Reject(source="", received_at=received_at, reason=refused.code, detail=str(refused), body=b"")
    return Decoded(reply=reply, rejects=(reject,))


def _failure(status: int, code: str, message: str, *, retry_after_s: int | None = None) -> Reply:
    body = msgspec.json.encode({"success": False, "code": code, "message": message, "error": message})
    headers = () if retry_after_s is None else ((b"retry-after", b"%d" % retry_after_s),)
    return Reply(status=status, body=body, headers=headers)
