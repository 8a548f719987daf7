"""The collector: one request in, its events in the log, one reply out."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from http import HTTPStatus

import msgspec
from msgspec import Struct

from trackside.errors import LogBusy, LogClosed
from trackside.event import Reject
from trackside.log.base import Receipt, Unavailable
from trackside.log.group_commit import NOW_BYTES, PACE_S
from trackside.pipeline.accept import Pipeline
from trackside.server.asgi import Receive, Scope, Send, respond
from trackside.server.body import BodyRefused, Buffers, ClientGone, read_body
from trackside.server.client import ClientAddress
from trackside.server.commits import Commits
from trackside.server.heads import Head
from trackside.server.lookups import Lookups
from trackside.sources import cors
from trackside.sources.base import Decoded, NeedsUsers, Reply, Request, Source
from trackside.telemetry import catalogue

logger = logging.getLogger("trackside.server")

Answer = Callable[[Reply], None]

MOST_LOOKUPS = 3
"""A request whose users are forgotten again so often, before it is decoded, is told to come later."""
BUNDLE_BYTES = NOW_BYTES * 3 // 4
"""So much goes to the log at once: with what the last request adds it is still for this thread to commit."""
_STATUS_TEXT = {status.value: str(status.value) for status in HTTPStatus}


class Client(Struct, frozen=True, gc=False):
    """Who sent a request, and when its head was here."""

    peer: str | None
    """Address of the other end of the connection."""
    received_at: datetime
    """Aware, UTC."""


class Collector:
    """Collects for one source. Made in the event loop it serves.

    `take` is the whole of it; calling the object is the same as an ASGI application.
    """

    def __init__(
        self,
        source: Source,
        pipeline: Pipeline,
        *,
        addresses: ClientAddress,
        body_limit: int,
        buffers: Buffers,
    ) -> None:
        self.body_limit = body_limit
        self.buffers = buffers
        self._source = source
        self._pipeline = pipeline
        self._addresses = addresses
        self._commits = Commits()
        self._lookups = Lookups()
        self._loop = asyncio.get_running_loop()
        self._arrived: list[_Request] = []
        self._arrived_bytes = 0
        self._due: asyncio.Handle | None = None
        self._paced_until = 0.0

    def take(self, head: Head, body: bytes, client: Client, answer: Answer) -> None:
        """Decode the request and store what it brings; `answer` is called once, in the loop, when that is durable."""
        request = Request(
            method=head.method,
            path=head.path,
            query=head.query,
            headers=head.headers,
            body=body,
            received_at=client.received_at,
            client_ip=self._addresses.ip(client.peer, head.headers),
            scheme=self._addresses.scheme(client.peer, head.scheme, head.headers),
        )
        self._take(request, head, answer)

    def refuse(self, refused: BodyRefused, head: Head, client: Client, answer: Answer) -> None:
        """Answer a request whose body is not taken; what is wrong with it goes to the rejects."""
        reply = _failure(refused.status, refused.code, str(refused), retry_after_s=refused.retry_after_s)
        rejects: tuple[Reject, ...] = ()
        if refused.status == 400:
            detail = str(refused)
            rejects = (
                Reject(
                    source="", received_at=client.received_at, reason=refused.code, detail=detail, body=b""
                ),
            )
        else:
            catalogue.REQUESTS_SHED.add(1, "buffers")
        self._keep(Decoded(reply=reply, rejects=rejects), 0, head, answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request as an ASGI application."""
        head = Head(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"],
            headers={name: value for name, value in scope["headers"] if name != b"content-length"},
            scheme=scope.get("scheme", "http"),
        )
        client = Client(scope["client"][0] if scope.get("client") else None, datetime.now(UTC))
        replied: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        try:
            body = await read_body(receive, head.headers, limit=self.body_limit, buffers=self.buffers)
        except ClientGone:
            return
        except BodyRefused as refused:
            self.refuse(refused, head, client, replied.set_result)
        else:
            self.take(head, body, client, replied.set_result)
        reply = await replied
        await respond(send, reply.status, reply.body, content_type=reply.content_type, headers=reply.headers)

    def _take(self, request: Request, head: Head, answer: Answer, *, lookups: int = 0) -> None:
        try:
            decoded = self._source.decode(request)
        except (
            Exception
        ):  # the border: a defect of ours must not look like the client's, so it is told "later"
            logger.exception("A request could not be decoded")
            decoded = Decoded(reply=_INTERNAL)
        if isinstance(decoded, NeedsUsers):
            if lookups == MOST_LOOKUPS or not self._look_up(decoded, request, head, answer, lookups):
                self._do_without_users(decoded, len(request.body), head, answer)
            return
        self._keep(decoded, len(request.body), head, answer)

    def _look_up(self, needs: NeedsUsers, request: Request, head: Head, answer: Answer, lookups: int) -> bool:
        def then(loaded: bool) -> None:
            if loaded:
                self._take(request, head, answer, lookups=lookups + 1)
            else:
                self._do_without_users(needs, len(request.body), head, answer)

        return self._lookups.look_up(needs, then)

    def _do_without_users(self, needs: NeedsUsers, size_bytes: int, head: Head, answer: Answer) -> None:
        if needs.otherwise is not None:
            self._keep(needs.otherwise, size_bytes, head, answer)
            return
        catalogue.REQUESTS_SHED.add(1, "users_unavailable")
        self._keep(Decoded(reply=_NO_USERS, source=needs.source), 0, head, answer)

    def _keep(self, decoded: Decoded, size_bytes: int, head: Head, answer: Answer) -> None:
        for reason in decoded.ignored:
            catalogue.EVENTS_IGNORED.add(1, decoded.source, reason)
        request = _Request(decoded, size_bytes, b"origin" in head.headers, answer)
        if not decoded.events and not decoded.rejects:
            if decoded.discarded:
                catalogue.SDK_METRICS_DISCARDED.add(decoded.discarded, decoded.source)
            request.finish(decoded.reply)
            return
        # Requests that arrive in one turn of the loop go to the log together, at the turn's end, and while
        # several share each commit one begins at most every PACE_S: a sync costs as much as taking in several.
        # What is enough for a commit of its own waits for neither.
        self._arrived.append(request)
        self._arrived_bytes += size_bytes
        if self._arrived_bytes >= BUNDLE_BYTES:
            self._store_arrived()
        elif self._due is None:
            pause_s = self._paced_until - self._loop.time()
            self._due = (
                self._loop.call_later(pause_s, self._store_arrived)
                if pause_s > 0
                else self._loop.call_soon(self._store_arrived)
            )

    def _store_arrived(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
        arrived, self._arrived, self._arrived_bytes = self._arrived, [], 0
        began = self._loop.time()

        def committed(receipts: Sequence[Receipt]) -> None:
            _count(arrived, receipts)
            for request, receipt in zip(arrived, receipts, strict=True):
                try:
                    request.committed(receipt)
                except Exception:  # the border: one request's connection must not keep the others waiting
                    logger.exception("A request could not be answered")

        try:
            bundle = [(request.decoded, request.size_bytes) for request in arrived]
            receipts = self._pipeline.accept_all(bundle, self._commits.tell(committed))
        except LogBusy as busy:
            catalogue.REQUESTS_SHED.add(len(arrived), "queue_full")
            message = "too many events wait to be stored"
            reply = _failure(429, "overloaded", message, retry_after_s=busy.retry_after_s)
        except LogClosed:
            reply = _failure(503, "stopping", "the server is stopping", retry_after_s=1)
        except Exception:  # the border: nobody may wait for an answer that never comes
            logger.exception("Requests could not be given to the log")
            reply = _INTERNAL
        else:
            if receipts is not None:
                self._paced_until = began + PACE_S if len(arrived) > 1 else 0.0
                committed(receipts)
            return
        for request in arrived:
            request.finish(reply)


class _Request:
    """A request whose events are on their way into the log."""

    __slots__ = ("_answer", "_from_page", "decoded", "size_bytes")

    def __init__(self, decoded: Decoded, size_bytes: int, from_page: bool, answer: Answer) -> None:
        self.decoded = decoded
        self.size_bytes = size_bytes
        self._from_page = from_page
        self._answer = answer

    def committed(self, receipt: Receipt) -> None:
        """Answer: what the request brought is durable, or could not be kept."""
        if isinstance(receipt, Unavailable):
            message = "events cannot be stored now"
            self.finish(_failure(503, "unavailable", message, retry_after_s=receipt.retry_after_s))
        else:
            self._send(self.decoded.reply)  # counted with the commit

    def finish(self, reply: Reply) -> None:
        """Answer and count that; pages of other origins may read the answer, whatever it is."""
        catalogue.REQUESTS.add(1, self.decoded.source, _STATUS_TEXT[reply.status])
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        if self._from_page and not any(name == b"access-control-allow-origin" for name, _ in reply.headers):
            reply = msgspec.structs.replace(reply, headers=(*reply.headers, *cors.reply_headers({})))
        self._answer(reply)


class _Tally:
    """What the requests of one source with one kind of answer brought in one commit."""

    __slots__ = ("duplicates", "requests", "size_bytes", "stored")

    def __init__(self) -> None:
        self.requests = self.size_bytes = self.stored = self.duplicates = 0


def _count(arrived: Sequence[_Request], receipts: Sequence[Receipt]) -> None:
    """Count what was committed; added up first, because many requests share a commit and few sources send them."""
    tallies: defaultdict[tuple[str, int], _Tally] = defaultdict(_Tally)
    for request, receipt in zip(arrived, receipts, strict=True):
        if isinstance(receipt, Unavailable):
            catalogue.REQUESTS_SHED.add(1, "log_unavailable")
            continue
        decoded = request.decoded
        tally = tallies[decoded.source, decoded.reply.status]
        tally.requests += 1
        tally.size_bytes += request.size_bytes
        tally.stored += receipt.stored
        tally.duplicates += receipt.duplicates
        for reject in decoded.rejects:
            catalogue.EVENTS_REJECTED.add(1, reject.source, reject.reason)
    for (source, status), tally in tallies.items():
        catalogue.REQUESTS.add(tally.requests, source, _STATUS_TEXT[status])
        catalogue.REQUEST_BYTES.add(tally.size_bytes, source)
        if tally.stored:
            catalogue.EVENTS_ACCEPTED.add(tally.stored, source)
        if tally.duplicates:
            catalogue.EVENTS_DUPLICATES.add(tally.duplicates, source)


def _failure(status: int, code: str, message: str, *, retry_after_s: int | None = None) -> Reply:
    body = msgspec.json.encode({"success": False, "code": code, "message": message, "error": message})
    headers = () if retry_after_s is None else ((b"retry-after", b"%d" % retry_after_s),)
    return Reply(status=status, body=body, headers=headers)


_INTERNAL = _failure(503, "internal", "the request could not be handled", retry_after_s=60)
_NO_USERS = _failure(503, "users_unavailable", "users cannot be looked up now", retry_after_s=5)
