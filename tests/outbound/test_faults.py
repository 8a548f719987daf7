"""What a receiver can do to a client, and what it comes to: cases 1 to 10 of the delivery engine's list."""

import asyncio
import gzip
import time
from typing import Any

import pytest

from tests.outbound.conftest import TIMEOUT_S, Run, answered, client, failure, outcome_of, post
from tests.outbound.servers import (
    OK,
    Behave,
    Connection,
    answering,
    dripping,
    flooding,
    hang,
    saying,
    serving,
)
from trackside.outbound.base import RESPONSE_BYTES, Answer, Failed, Fault

HEAD = b"HTTP/1.1 200 OK\r\n"
READ_AHEAD_BYTES = 8 * 2**20
"""More than the sockets' buffers hold; what was sent beyond that was read."""


def _in_time(duration_s: float) -> None:
    assert TIMEOUT_S * 0.9 <= duration_s <= TIMEOUT_S * 1.1 + 0.1  # a machine of CI may be late


def test_case_1_no_answer_ends_at_the_deadline(run: Run[Answer | Failed]) -> None:
    began_s = time.monotonic()
    failed = failure(run(outcome_of(hang)), Fault.TIMEOUT, maybe_sent=True)
    _in_time(failed.duration_s)
    _in_time(time.monotonic() - began_s)


def test_case_1_the_connection_is_closed_and_its_place_is_free(run: Run[None]) -> None:
    async def main() -> None:
        ended = asyncio.Event()

        async def behave(connection: Connection) -> None:
            await connection.request()
            assert await connection.reader.read() == b""
            ended.set()

        sender = client()
        async with serving(behave) as server:
            await sender.send(post(server.url(), timeout_s=0.05))
            await asyncio.wait_for(ended.wait(), 5)
        await sender.close()

    run(main())


def test_case_2_a_dripping_head_ends_at_the_same_deadline(run: Run[Answer | Failed]) -> None:
    failed = failure(run(outcome_of(dripping(HEAD + b"X: y\r\n" * 99))), Fault.TIMEOUT, maybe_sent=True)
    _in_time(failed.duration_s)


def test_case_3_a_dripping_body_ends_at_the_deadline_and_the_status_stands(
    run: Run[Answer | Failed],
) -> None:
    async def behave(connection: Connection) -> None:
        await connection.request()
        await connection.send(HEAD + b"Content-Length: 999\r\n\r\nabc")
        for _ in range(99):
            await connection.send(b".")
            await asyncio.sleep(0.02)

    answer = answered(run(outcome_of(behave)))
    assert (answer.status, answer.truncated) == (200, True)
    assert answer.body.startswith(b"abc.")
    assert answer.headers == {"content-length": "999"}
    _in_time(answer.duration_s)


@pytest.mark.parametrize(
    "head", [b"Transfer-Encoding: chunked\r\n\r\n", b"Content-Length: 8000000000\r\n\r\n"]
)
def test_case_4_of_an_endless_body_64_kib_are_read(run: Run[Answer | Failed], head: bytes) -> None:
    sent: list[int] = []
    block = b"x" * 65_536
    more = b"10000\r\n" + block + b"\r\n" if b"chunked" in head else block
    answer = answered(run(outcome_of(flooding(HEAD + head, more, sent), timeout_s=5)))
    assert (answer.status, answer.truncated, len(answer.body)) == (200, True, RESPONSE_BYTES)
    assert sent[0] < READ_AHEAD_BYTES
    assert answer.duration_s < 1


@pytest.mark.parametrize(("length", "truncated"), [(RESPONSE_BYTES, False), (RESPONSE_BYTES + 1, True)])
def test_case_4_the_bound_is_exact(run: Run[Answer | Failed], length: int, truncated: bool) -> None:
    body = b"x" * length
    answer = answered(run(outcome_of(saying(HEAD + b"Content-Length: %d\r\n\r\n" % length + body))))
    assert (answer.truncated, answer.body) == (truncated, body[:RESPONSE_BYTES])


def test_case_5_a_gzip_bomb_is_not_decompressed(run: Run[Answer | Failed]) -> None:
    bomb = gzip.compress(bytes(20_000_000), 9) * 10
    heads: list[bytes] = []

    async def behave(connection: Connection) -> None:
        heads.append((await connection.request())[0])
        head = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
        await connection.send(HEAD + head + bomb)

    answer = answered(run(outcome_of(behave, timeout_s=5)))
    assert (answer.body, answer.truncated) == (bomb[:RESPONSE_BYTES], True)
    assert b"\r\naccept-encoding: identity\r\n" in heads[0].lower()


@pytest.mark.parametrize(
    ("beginning", "more"),
    [
        (HEAD, b"X-A: y\r\n" * 1_000),
        (HEAD + b"X-A: ", b"y" * 65_536),
        (b"HTTP/1.1 200 ", b"O" * 65_536),
        (HEAD + b"Y" * 100, b"y" * 65_536),
    ],
    ids=["many", "value", "reason", "name"],
)
def test_case_6_an_endless_head_is_no_http(run: Run[Answer | Failed], beginning: bytes, more: bytes) -> None:
    sent: list[int] = []
    failed = failure(
        run(outcome_of(flooding(beginning, more, sent), timeout_s=5)), Fault.PROTOCOL, maybe_sent=True
    )
    assert sent[0] < READ_AHEAD_BYTES
    assert failed.duration_s < 1


@pytest.mark.parametrize("head", [b"", HEAD[:9], HEAD, HEAD + b"X: y\r\n"])
def test_case_7_torn_down_before_a_whole_head(run: Run[Answer | Failed], head: bytes) -> None:
    async def behave(connection: Connection) -> None:
        await connection.request()
        await connection.send(head)
        await asyncio.sleep(0.05)  # what was sent must have been read: a reset takes it away
        connection.reset()

    failure(run(outcome_of(behave)), Fault.RESET, maybe_sent=True)


@pytest.mark.parametrize("head", [b"", HEAD[:9], HEAD, HEAD + b"X: y\r\n"])
def test_case_7_closed_before_a_whole_head(run: Run[Answer | Failed], head: bytes) -> None:
    failure(run(outcome_of(saying(head))), Fault.CLOSED, maybe_sent=True)


def test_case_7_closed_without_even_reading_the_request(run: Run[Answer | Failed]) -> None:
    async def behave(connection: Connection) -> None:
        """Let it go at once."""

    outcome = run(outcome_of(behave, body=b"x" * 200_000))
    assert isinstance(outcome, Failed)
    assert outcome.fault in {Fault.CLOSED, Fault.RESET}  # what is unread makes a reset of it
    assert outcome.maybe_sent


@pytest.mark.parametrize("torn", [True, False], ids=["torn down", "closed"])
@pytest.mark.parametrize(
    "head", [b"Content-Length: 9\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"]
)
def test_case_7_after_the_head_the_status_stands(run: Run[Answer | Failed], head: bytes, torn: bool) -> None:
    async def behave(connection: Connection) -> None:
        await connection.request()
        await connection.send(HEAD + head)
        await asyncio.sleep(0.05)
        if torn:
            connection.reset()

    answer = answered(run(outcome_of(behave)))
    assert (answer.status, answer.truncated, answer.body) == (200, True, b"abc")


@pytest.mark.parametrize(
    "text",
    [
        *(b"\x00\x01\x02\x03\r\n\r\n", b"<html>HTTP/0.9</html>\r\n", b"SSH-2.0-OpenSSH_9.9\r\n"),
        *(b"220 mail.example.org ESMTP\r\n", b"HTTP/1.1 abc OK\r\n\r\n"),
        *(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
        b"HTTP/1.1 200 OK\r\n: nothing\r\n\r\n",
    ],
)
def test_case_8_garbage_is_no_http(run: Run[Answer | Failed], text: bytes) -> None:
    failure(run(outcome_of(saying(text))), Fault.PROTOCOL, maybe_sent=True)


def test_case_8_endless_100_continue_ends_at_the_deadline(run: Run[Answer | Failed]) -> None:
    async def behave(connection: Connection) -> None:
        await connection.request()
        while True:
            await connection.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 10)
            await asyncio.sleep(0.005)

    failed = failure(run(outcome_of(behave)), Fault.TIMEOUT, maybe_sent=True)
    _in_time(failed.duration_s)


def test_case_8_a_flood_of_100_continue_is_cut_before_it_holds_up_others(run: Run[Answer | Failed]) -> None:
    sent: list[int] = []
    flood = flooding(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 400, sent)
    failed = failure(run(outcome_of(flood, timeout_s=5)), Fault.PROTOCOL, maybe_sent=True)
    assert sent[0] < READ_AHEAD_BYTES
    assert failed.duration_s < 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("to", ["/other", "http://169.254.169.254/latest/meta-data"])
def test_case_9_a_redirect_is_an_answer_and_is_not_followed(
    run: Run[Answer | Failed], status: int, to: str
) -> None:
    heads: list[bytes] = []

    async def behave(connection: Connection) -> None:
        while True:
            heads.append((await connection.request())[0])
            text = f"HTTP/1.1 {status} Elsewhere\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"
            await connection.send(text.encode())

    answer = answered(run(outcome_of(behave)))
    assert (answer.status, answer.headers["location"], answer.truncated) == (status, to, False)
    assert len(heads) == 1


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        (b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", 205),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", 304),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, 200),
        (b"HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\nbody", 500),
    ],
)
def test_case_10_answers_with_and_without_a_body_leave_the_connection_open(
    run: Run[None], answer: bytes, status: int
) -> None:
    async def main() -> None:
        sender = client()
        async with serving(answering(answer)) as server:
            for _ in range(3):
                got = answered(await sender.send(post(server.url())))
                assert (got.status, got.truncated) == (status, False)
                assert got.duration_s < TIMEOUT_S
            assert server.connections == 1
        await sender.close()

    run(main())


@pytest.mark.parametrize(
    ("behave", "body"),
    [
        (saying(b"HTTP/1.1 200 OK\r\n\r\nto the end"), b"to the end"),
        (saying(b"HTTP/1.0 200 OK\r\n\r\nto the end"), b"to the end"),
        (saying(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"), b"ok"),
        (answering(b"HTTP/1.1 205 Reset Content\r\n\r\n"), b""),
    ],
)
def test_case_10_an_answer_may_end_with_its_connection(
    run: Run[Answer | Failed], behave: Behave, body: bytes
) -> None:
    answer = answered(run(outcome_of(behave)))
    assert (answer.body, answer.truncated) == (body, False)
    assert answer.duration_s < TIMEOUT_S * 0.9


def test_an_answer_before_the_whole_request_was_read_counts(run: Run[Answer | Failed]) -> None:
    async def behave(connection: Connection) -> None:
        await connection.reader.readuntil(b"\r\n\r\n")
        await connection.send(b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        await asyncio.sleep(0.05)

    answer = answered(run(outcome_of(behave, body=b"x" * 5_000_000)))
    assert answer.status == 413


@pytest.mark.slow
def test_faults_of_many_receivers_at_a_time_do_not_touch_a_good_one(run: Run[None]) -> None:
    async def main() -> None:
        sender = client()
        async with serving(hang) as bad, serving(answering()) as good:
            long_s = 5 * TIMEOUT_S  # the good ones wait for nobody, however busy the machine is
            hanging = [asyncio.create_task(sender.send(post(bad.url(), timeout_s=long_s))) for _ in range(50)]
            for _ in range(50):
                answer: Any = await sender.send(post(good.url(), timeout_s=long_s))
                assert answered(answer).duration_s < long_s / 2
            assert not any(each.done() for each in hanging)
            for outcome in await asyncio.gather(*hanging):
                failure(outcome, Fault.TIMEOUT, maybe_sent=True)
            assert good.connections == 1
        await sender.close()

    run(main())
