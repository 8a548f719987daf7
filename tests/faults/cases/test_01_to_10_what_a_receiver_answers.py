"""Cases 1 to 10: what a receiver can do to one request, and what the engine makes of it, with each HTTP client.

The first connection is treated badly and all others well: the event behind the first goes at once, and the first one
when it is tried again.
"""

import asyncio
import gzip
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.cases.delivering import BUSY_S, TIMEOUT_S, Delivering, endpoint, resident_bytes
from tests.outbound.servers import (
    Behave,
    Connection,
    answering,
    dripping,
    flooding,
    hang,
    saying,
    serving_in_a_thread,
)
from trackside.attempts.base import BODY_BYTES, Attempt

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("each_client")]

HEAD = b"HTTP/1.1 200 OK\r\n"
NO_BODY = b"Content-Length: 0\r\n\r\n"
READ_AHEAD_BYTES = 8 * 2**20
"""More than the sockets' buffers hold; what was sent beyond that was read."""
MUCH_BYTES = 64 * 2**20


def once(bad: Behave) -> Behave:
    """Treat the first connection badly, the others well."""
    well = answering()

    async def behave(connection: Connection) -> None:
        await (bad if connection.number == 1 else well)(connection)

    return behave


def treated(folder: Path, bad: Mapping[str, Behave], timeout_s: float) -> dict[str, list[Attempt]]:
    """Return by name the attempts of an event that met this treatment first, and then those of the event behind it."""
    with ExitStack() as stack:
        servers = {name: stack.enter_context(serving_in_a_thread(once(each))) for name, each in bad.items()}
        endpoints = {name: endpoint(server.url(), timeout_s=timeout_s) for name, server in servers.items()}
        delivering = stack.enter_context(Delivering(folder, **endpoints))
        delivering.send(1, 2)
        for name in bad:
            assert delivering.until_delivered(2, name).dead == 0
        return {name: delivering.tried(1, name) + delivering.tried(2, name) for name in bad}


def tried_again(folder: Path, timeout_s: float = TIMEOUT_S, /, **bad: Behave) -> list[Attempt]:
    """Return the first attempts of an event: they failed, the next event had their place at once, and it went later."""
    found = []
    for first, again, next_one in treated(folder, bad, timeout_s).values():
        assert (first.number, again.number, next_one.number) == (1, 2, 1)
        assert (first.outcome, again.outcome, next_one.outcome) == ("failed", "delivered", "delivered")
        assert first.began_at < next_one.began_at < again.began_at
        assert (next_one.began_at - first.began_at).total_seconds() < first.duration_s + BUSY_S
        assert first.request_body == again.request_body
        found.append(first)
    return found


def taken(folder: Path, timeout_s: float = TIMEOUT_S, /, **bad: Behave) -> list[Attempt]:
    """Return the only attempts of an event: the status stood, whatever came behind it, and the next event followed."""
    found = []
    for first, next_one in treated(folder, bad, timeout_s).values():
        assert (first.outcome, first.fault, next_one.outcome) == ("delivered", None, "delivered")
        found.append(first)
    return found


def in_time(attempt: Attempt) -> None:
    assert TIMEOUT_S * 0.9 <= attempt.duration_s <= TIMEOUT_S * 1.1 + BUSY_S


def timed_out(attempt: Attempt) -> None:
    assert (attempt.fault, attempt.status) == ("timeout", None)
    in_time(attempt)


def test_01_a_receiver_that_never_answers(tmp_path: Path) -> None:
    """It fails as `timeout` when the whole time is up; its place is free then."""
    timed_out(*tried_again(tmp_path, crm=hang))


def test_02_a_head_that_drips(tmp_path: Path) -> None:
    """A byte every 200 ms makes the time no longer."""
    timed_out(*tried_again(tmp_path, crm=dripping(HEAD + b"X: y\r\n" * 99, every_s=0.2)))


def test_03_a_body_that_drips(tmp_path: Path) -> None:
    """The event is delivered, the body is cut where the time is up, and nothing is held any longer."""

    async def behave(connection: Connection) -> None:
        await connection.request()
        await connection.send(HEAD + b"Content-Length: 999\r\n\r\nabc")
        for _ in range(900):
            await connection.send(b".")
            await asyncio.sleep(0.05)

    (attempt,) = taken(tmp_path, crm=behave)
    assert (attempt.status, attempt.truncated) == (200, True)
    assert attempt.response_body.startswith(b"abc")
    in_time(attempt)


def test_04_a_body_without_end(tmp_path: Path) -> None:
    """Its first 64 KiB are read and kept, the rest is not taken in: memory stays as it is."""
    block = b"x" * 65_536
    sent: list[int] = []
    before = resident_bytes()
    attempts = taken(
        tmp_path,
        10.0,
        chunked=flooding(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + block + b"\r\n", sent),
        long=flooding(HEAD + b"Content-Length: 8000000000\r\n\r\n", block, sent),
    )
    assert resident_bytes() - before < MUCH_BYTES
    assert max(sent) < READ_AHEAD_BYTES
    for attempt in attempts:
        assert (attempt.status, attempt.truncated, attempt.response_bytes) == (200, True, BODY_BYTES)
        assert attempt.duration_s < 2


def test_05_a_gzip_bomb(tmp_path: Path) -> None:
    """200 MB in 200 kB are not asked for, and not unpacked: what is kept is what came."""
    bomb = gzip.compress(bytes(20_000_000), 9) * 10
    heads: list[bytes] = []

    async def behave(connection: Connection) -> None:
        heads.append((await connection.request())[0])
        head = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
        await connection.send(HEAD + head + bomb)

    before = resident_bytes()
    (attempt,) = taken(tmp_path, 10.0, crm=behave)
    assert resident_bytes() - before < MUCH_BYTES
    assert (attempt.response_body, attempt.truncated) == (bomb[:BODY_BYTES], True)
    assert b"\r\naccept-encoding: identity\r\n" in heads[0].lower()


def test_06_a_head_without_end(tmp_path: Path) -> None:
    """Headers without number, and one without end, are cut at the parser's bound, as `protocol_error`."""
    sent: list[int] = []
    before = resident_bytes()
    attempts = tried_again(
        tmp_path,
        10.0,
        many=flooding(HEAD, b"X-A: y\r\n" * 1_000, sent),
        one=flooding(HEAD + b"X-A: ", b"y" * 65_536, sent),
    )
    assert resident_bytes() - before < MUCH_BYTES
    assert max(sent) < READ_AHEAD_BYTES
    for attempt in attempts:
        assert attempt.fault == "protocol_error"
        assert attempt.duration_s < 2


def torn_after(text: bytes) -> Behave:
    async def behave(connection: Connection) -> None:
        await connection.request()
        await connection.send(text)
        await asyncio.sleep(0.05)  # what was sent must have been read: a reset takes it away
        connection.reset()

    return behave


def test_07_a_connection_that_breaks_off(tmp_path: Path) -> None:
    """Torn down and closed are told apart, and a status of failure is kept where there was one: all are tried again."""
    half = b"HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nabc"
    attempts = tried_again(
        tmp_path,
        torn=torn_after(b""),
        torn_in_head=torn_after(HEAD + b"X: y\r\n"),
        closed=saying(b""),
        closed_in_head=saying(HEAD + b"X: y\r\n"),
        torn_in_body=torn_after(half),
        closed_in_body=saying(half),
    )
    assert [(each.fault, each.status, each.truncated) for each in attempts] == [
        *[("reset", None, False)] * 2,
        *[("closed", None, False)] * 2,
        *[(None, 500, True)] * 2,
    ]


def test_07_a_status_of_success_stands_when_its_body_breaks_off(tmp_path: Path) -> None:
    """To send again what was accepted helps nobody."""
    half = HEAD + b"Content-Length: 9\r\n\r\nabc"
    for attempt in taken(tmp_path, torn=torn_after(half), closed=saying(half)):
        assert (attempt.status, attempt.truncated, attempt.response_body) == (200, True, b"abc")


def test_08_garbage_in_place_of_http(tmp_path: Path) -> None:
    """It is told apart from an answer at once."""
    attempts = tried_again(
        tmp_path,
        noise=saying(b"\x00\x01\x02\x03\r\n\r\n"),
        http_0_9=saying(b"<html>HTTP/0.9</html>\r\n"),
        ssh=saying(b"SSH-2.0-OpenSSH_9.9\r\n"),
    )
    for attempt in attempts:
        assert (attempt.fault, attempt.status) == ("protocol_error", None)
        assert attempt.duration_s < TIMEOUT_S


def test_08_continue_without_end(tmp_path: Path) -> None:
    """Answers that say only that another follows end with the time."""

    async def behave(connection: Connection) -> None:
        await connection.request()
        while True:
            await connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            await asyncio.sleep(0.005)

    timed_out(*tried_again(tmp_path, crm=behave))


def test_09_a_redirect(tmp_path: Path) -> None:
    """It is a failure that says what to do; where it leads is never asked."""
    with serving_in_a_thread(answering()) as other:
        places = (other.url(), "http://169.254.169.254/latest/meta-data")
        redirects = {
            f"r{status}_{number}": saying(
                f"HTTP/1.1 {status} Elsewhere\r\nLocation: {to}\r\nConnection: close\r\n".encode() + NO_BODY
            )
            for status in (301, 302, 307, 308)
            for number, to in enumerate(places)
        }
        attempts = tried_again(tmp_path, **redirects)
        assert other.connections == 0
    assert [each.status for each in attempts] == [301, 301, 302, 302, 307, 307, 308, 308]
    for attempt in attempts:
        assert attempt.reason is not None
        assert "redirects are not followed" in attempt.reason


def test_10_an_answer_without_a_body(tmp_path: Path) -> None:
    """It is a success at once, and its connection is used again."""
    answers = {
        204: b"HTTP/1.1 204 No Content\r\n\r\n",
        205: b"HTTP/1.1 205 Reset Content\r\n" + NO_BODY,
        200: HEAD + NO_BODY,
    }
    with ExitStack() as stack:
        servers = {
            status: stack.enter_context(serving_in_a_thread(answering(text)))
            for status, text in answers.items()
        }
        endpoints = {f"s{status}": endpoint(server.url()) for status, server in servers.items()}
        delivering = stack.enter_context(Delivering(tmp_path, **endpoints))
        for number in (1, 2, 3):
            delivering.send(number)
            for name in endpoints:
                delivering.until_delivered(number, name)
        for status, server in servers.items():
            attempts = delivering.tried(name=f"s{status}")
            assert [(each.status, each.outcome) for each in attempts] == [(status, "delivered")] * 3
            assert all(each.duration_s < TIMEOUT_S * 0.9 for each in attempts)
            assert server.connections == 1
