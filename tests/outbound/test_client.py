"""What the client does with good servers: the bytes it sends, the connections it keeps, how it ends."""

import asyncio
import errno
import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.outbound.conftest import (
    HERE,
    AnyClient,
    Run,
    answered,
    client,
    failure,
    new_client,
    outcome_of,
    post,
)
from tests.outbound.servers import OK, Connection, answering, hang, serving
from trackside.outbound.base import Answer, Client, Failed, Fault, Outgoing
from trackside.outbound.client import HttpClient
from trackside.outbound.signing import Signer, new_secret, verify
from trackside.telemetry import catalogue


def test_the_bytes_that_arrive_are_those_that_were_signed(run: Run[None]) -> None:
    """Case 33: nothing is decoded or encoded again on the way."""
    secret = new_secret()
    bodies = [
        b"",
        b"{}",
        b'{"b": 1.10, "a":\t1e5, "\xc3\xbc": "\\u00fc"}\n',
        bytes(range(256)) * 9,
        json.dumps({"x": "y" * 3_000_000}).encode(),
    ]
    got: list[tuple[bytes, bytes]] = []

    async def behave(connection: Connection) -> None:
        while True:
            got.append(await connection.request())
            await connection.send(OK)

    async def main() -> None:
        sender = client()
        async with serving(behave) as server:
            for body in bodies:
                headers = Signer([secret]).headers("msg_1", body, at_s=1_000)
                answered(await sender.send(post(server.url(), body=body, headers=headers, timeout_s=5)))
            assert server.connections == 1
        await sender.close()

    run(main())
    assert [body for _, body in got] == bodies
    for head, body in got:
        lines = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if line]
        assert verify(body, dict(lines), secrets=[secret], now_s=1_000)


def test_the_head_of_a_request(run: Run[Answer | Failed]) -> None:
    heads: list[bytes] = []

    async def behave(connection: Connection) -> None:
        heads.append((await connection.request())[0])
        await connection.send(OK)

    headers = [
        *(("Content-Type", "application/json"), ("user-agent", "Hooks/2"), ("X-U", "ü")),
        *(("Host", "evil.example"), ("Content-Length", "3"), ("Connection", "close")),
        ("transfer-encoding", "chunked"),
    ]
    run(outcome_of(behave, headers=headers, method="PUT"))
    first, *lines = heads[0].decode().removesuffix("\r\n\r\n").split("\r\n")
    assert first == "PUT /hook HTTP/1.1"
    assert {line.lower() for line in lines if not line.startswith("Host: 127.0.0.1:")} == {
        *("content-type: application/json", "user-agent: hooks/2", "x-u: ü"),
        *("accept: */*", "accept-encoding: identity", "content-length: 8"),
    }


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_nothing_is_taken_from_the_environment(
    run: Run[Answer | Failed], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    heads: list[bytes] = []

    async def behave(connection: Connection) -> None:
        heads.append((await connection.request())[0])
        await connection.send(OK + b"")

    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert answered(run(outcome_of(behave))).status == 200
    assert b"authorization" not in heads[0].lower()


def test_cookies_are_not_kept(run: Run[None]) -> None:
    heads: list[bytes] = []

    async def behave(connection: Connection) -> None:
        while True:
            heads.append((await connection.request())[0])
            await connection.send(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")

    async def main() -> None:
        sender = client()
        async with serving(behave) as server:
            for _ in range(2):
                await sender.send(post(server.url()))
        await sender.close()

    run(main())
    assert b"cookie" not in heads[1].lower()


@pytest.mark.parametrize(
    "header", [("X-A", "1\r\nX-B: 2"), ("X-A", "1\n"), ("X-A\r\nX-B", "2"), ("X A", "1"), ("X-A", "\x00")]
)
def test_case_17_a_header_that_would_break_the_request_is_not_sent(
    run: Run[Answer | Failed], header: tuple[str, str]
) -> None:
    outcome = run(outcome_of(answering(), headers=[header]))
    failure(outcome, Fault.REFUSED_ADDRESS, maybe_sent=False)


def test_a_kept_connection_that_was_closed_meanwhile_costs_a_second_try(run: Run[None]) -> None:
    async def behave(connection: Connection) -> None:
        await connection.request()
        await connection.send(OK)
        if connection.number % 2:
            await connection.request()  # taken, and the connection closed without a byte
        else:
            await connection.reader.read()

    async def main() -> None:
        sender = client()
        async with serving(behave) as server:
            answered(await sender.send(post(server.url())))
            assert answered(await sender.send(post(server.url()))).status == 200
            assert (sender.second_tries, server.connections) == (1, 2)
        await sender.close()

    run(main())


@pytest.mark.parametrize("heard", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_a_second_try_is_the_last_and_only_where_nothing_was_heard(run: Run[None], heard: bytes) -> None:
    requests: list[int] = []

    async def behave(connection: Connection) -> None:
        while True:
            await connection.request()
            requests.append(connection.number)
            if len(requests) > 1:
                await connection.send(heard)
                return
            await connection.send(OK)

    async def main() -> None:
        sender = client()
        async with serving(behave) as server:
            answered(await sender.send(post(server.url())))
            failure(await sender.send(post(server.url())), Fault.CLOSED, maybe_sent=True)
            assert requests == ([1, 1] if heard else [1, 1, 2])
        await sender.close()

    run(main())


@pytest.mark.parametrize("client_class", ["aiohttp"], indirect=True)
def test_a_part_of_an_answer_s_first_line_is_heard(run: Run[None]) -> None:
    """With curl, which does not tell it, a request is sent once more after less than a line (decision 0014)."""
    requests: list[int] = []

    async def behave(connection: Connection) -> None:
        while True:
            await connection.request()
            requests.append(connection.number)
            if len(requests) > 1:
                await connection.send(b"HTTP/1.1 2")
                return
            await connection.send(OK)

    async def main() -> None:
        sender = client()
        async with serving(behave) as server:
            answered(await sender.send(post(server.url())))
            failure(await sender.send(post(server.url())), Fault.CLOSED, maybe_sent=True)
        await sender.close()

    run(main())
    assert requests == [1, 1]


def test_a_new_connection_that_is_closed_is_not_tried_again(run: Run[None]) -> None:
    async def behave(connection: Connection) -> None:
        await connection.request()

    async def main() -> None:
        sender = client()
        async with serving(behave) as server:
            for method in ("POST", "PUT", "GET"):
                failure(await sender.send(post(server.url(), method=method)), Fault.CLOSED, maybe_sent=True)
            assert (sender.second_tries, server.connections) == (0, 3)
        await sender.close()

    run(main())


def test_connections_that_were_closed_at_rest_are_not_used(run: Run[None]) -> None:
    async def behave(connection: Connection) -> None:
        await connection.request()
        await connection.send(OK)

    async def main() -> None:
        sender = client()
        async with serving(behave) as server:
            for _ in range(3):
                answered(await sender.send(post(server.url())))
                await asyncio.sleep(0.02)
            assert (sender.second_tries, server.connections) == (0, 3)
        await sender.close()

    run(main())


def test_what_comes_unasked_is_not_the_next_request_s_answer(run: Run[None]) -> None:
    async def behave(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.send(OK + b"HTTP/1.1 500 Smuggled\r\nContent-Length: 0\r\n\r\n")

    async def main() -> None:
        sender = client()
        async with serving(behave) as server:
            for _ in range(3):
                assert answered(await sender.send(post(server.url()))).status == 200
        await sender.close()

    run(main())


def test_closing_ends_what_is_under_way_as_our_own_fault(run: Run[None]) -> None:
    async def main() -> None:
        sender = client()
        as_contract: Client = sender
        all_there, ended = asyncio.Event(), asyncio.Event()

        async def behave(connection: Connection) -> None:
            await connection.request()
            if connection.number == 3:
                all_there.set()
            await connection.reader.read()
            ended.set()

        async with serving(behave) as server:
            sending = [asyncio.create_task(sender.send(post(server.url(), timeout_s=30))) for _ in range(3)]
            await asyncio.wait_for(all_there.wait(), 5)
            await asyncio.wait_for(as_contract.close(), 5)
            for outcome in await asyncio.gather(*sending):
                failure(outcome, Fault.LOCAL, maybe_sent=True)
            await asyncio.wait_for(ended.wait(), 5)
            failure(await sender.send(post(server.url())), Fault.LOCAL, maybe_sent=False)
            await sender.close()

    run(main())


def test_closing_does_not_take_back_an_answer_that_has_begun(run: Run[None]) -> None:
    async def behave(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\nabc")
        await connection.reader.read()

    async def main() -> None:
        sender = client()
        async with serving(behave) as server:
            sending = asyncio.create_task(sender.send(post(server.url(), timeout_s=30)))
            await asyncio.sleep(0.1)
            await sender.close()
            answer = answered(await sending)
            assert (answer.status, answer.body, answer.truncated) == (202, b"abc", True)

    run(main())


def test_closing_ends_a_lookup_too(run: Run[None]) -> None:
    """Also where an earlier request was answered: that answer is not given again."""
    release = threading.Event()

    def lookup(host: str) -> list[str]:
        if host == "slow.test":
            release.wait(30)
        return ["127.0.0.1"]

    async def main() -> None:
        sender = client(lookup=lookup)
        async with serving(answering()) as server:
            answered(await sender.send(post(server.url("quick.test"))))
            sending = asyncio.create_task(sender.send(post(server.url("slow.test"), timeout_s=30)))
            await asyncio.sleep(0.05)
            await asyncio.wait_for(sender.close(), 5)
            failure(await sending, Fault.LOCAL, maybe_sent=False)
        release.set()

    run(main())


def test_a_request_after_a_large_one_is_sent_whole(run: Run[None]) -> None:
    got: list[tuple[bytes, bytes]] = []

    async def behave(connection: Connection) -> None:
        while True:
            got.append(await connection.request())
            await connection.send(OK)

    large = b"x" * 100_000
    requests = [("PUT", large), ("PUT", b"small"), ("GET", b""), ("POST", large), ("POST", b"z")]

    async def main() -> None:
        sender = client()
        async with serving(behave) as server:
            for method, body in requests:
                answered(await sender.send(post(server.url(), method=method, body=body, timeout_s=5)))
        await sender.close()

    run(main())
    assert [(head.split(b" ", 1)[0].decode(), body) for head, body in got] == requests


def test_a_client_that_never_sent_can_be_closed(run: Run[None]) -> None:
    run(client().close())


def test_who_cancels_gets_a_cancellation_and_the_connection_is_closed(run: Run[None]) -> None:
    async def main() -> None:
        sender = client()
        ended = asyncio.Event()

        async def behave(connection: Connection) -> None:
            await connection.request()
            await connection.reader.read()
            ended.set()

        async with serving(behave) as server:
            sending = asyncio.create_task(sender.send(post(server.url(), timeout_s=30)))
            await asyncio.sleep(0.05)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            await asyncio.wait_for(ended.wait(), 5)
        await sender.close()

    run(main())


def test_nobody_listens(run: Run[None], free_port: int) -> None:
    async def main() -> None:
        sender = client()
        outcome = await sender.send(post(f"http://127.0.0.1:{free_port}/hook"))
        assert failure(outcome, Fault.UNREACHABLE, maybe_sent=False).detail == "Connection refused"
        await sender.close()

    run(main())


def test_an_address_that_does_not_answer_at_all(run: Run[None]) -> None:
    async def main() -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            callers = [socket.socket() for _ in range(4)]
            for caller in callers:
                caller.setblocking(False)
                caller.connect_ex(full.getsockname())
            sender = client()
            outcome = await sender.send(post(f"http://127.0.0.1:{full.getsockname()[1]}/hook"))
            failure(outcome, Fault.TIMEOUT, maybe_sent=False)
            await sender.close()
            for caller in callers:
                caller.close()

    run(main())


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_without_file_descriptors_the_fault_is_ours(
    run: Run[Answer | Failed], monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(code, "no more")

    monkeypatch.setattr("trackside.outbound.sockets.new_socket", full)
    failure(run(outcome_of(hang)), Fault.LOCAL, maybe_sent=False)


def test_what_nobody_foresaw_is_ours_and_does_not_get_out(
    run: Run[Answer | Failed],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    client_class: type[AnyClient],
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("payload 4711")

    def broken_at_once(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("payload 4711")

    if client_class is HttpClient:
        monkeypatch.setattr("aiohttp.ClientSession._request", broken)
    else:
        monkeypatch.setattr("trackside.outbound.curl.multi.Multi.begin", broken_at_once)
    failed = failure(run(outcome_of(hang)), Fault.LOCAL, maybe_sent=False)
    assert failed.detail == "unforeseen: ZeroDivisionError"
    assert [record.message for record in caplog.records] == ["a request failed in a way nobody foresaw"]


def test_it_can_be_made_without_a_loop_and_keeps_its_connections_to_each_host_apart(run: Run[None]) -> None:
    sender = new_client(policy=HERE, lookup=lambda _: ["127.0.0.1"])

    async def main() -> None:
        async with serving(answering()) as server:
            for host in ("a.test", "b.test", "a.test", "b.test"):
                answered(await sender.send(post(server.url(host))))
            assert server.connections == 2
        await sender.close()

    run(main())


def test_a_request_without_time_fails_at_once(run: Run[None]) -> None:
    async def main() -> None:
        sender = client(lookup=lambda _: ["127.0.0.1"])
        outcome = await sender.send(Outgoing(url="http://hooks.test/hook", body=b"", timeout_s=0))
        failure(outcome, Fault.TIMEOUT, maybe_sent=False)
        await sender.close()

    run(main())


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [
        *(("POST", b"abc", b"3"), ("PUT", b"abc", b"3"), ("PATCH", b"abc", b"3"), ("DELETE", b"abc", b"3")),
        *(("GET", b"abc", b"3"), ("POST", b"", b"0"), ("PUT", b"", b"0"), ("DELETE", b"", b"0")),
        *(("GET", b"", None), ("OPTIONS", b"", None)),
    ],
)
def test_every_method_with_and_without_a_body(
    run: Run[None], method: str, body: bytes, length: bytes | None
) -> None:
    got: list[tuple[bytes, bytes]] = []

    async def behave(connection: Connection) -> None:
        while True:
            got.append(await connection.request())
            await connection.send(OK)

    async def main() -> None:
        sender = client()
        async with serving(behave) as server:
            answered(await sender.send(post(server.url(), method="PUT", body=b"other")))
            answered(await sender.send(post(server.url(), method=method, body=body)))
            answered(await sender.send(post(server.url(), method="POST", body=b"third")))
        await sender.close()

    run(main())
    head, arrived = got[1]
    lines = head.lower().split(b"\r\n")
    assert lines[0] == f"{method} /hook HTTP/1.1".lower().encode()
    assert arrived == body
    assert [line for line in lines if line.startswith(b"content-length:")] == (
        [] if length is None else [b"content-length: " + length]
    )
    assert got[2] == (got[2][0], b"third")
    assert got[2][0].startswith(b"POST ")


def test_an_answer_to_head_has_no_body(run: Run[None]) -> None:
    async def main() -> None:
        sender = client()
        async with serving(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")) as server:
            for _ in range(2):
                answer = answered(await sender.send(post(server.url(), method="HEAD", body=b"")))
                assert (answer.body, answer.truncated) == (b"", False)
            assert server.connections == 1
        await sender.close()

    run(main())


def test_a_header_without_a_value_is_sent(run: Run[Answer | Failed]) -> None:
    heads: list[bytes] = []

    async def behave(connection: Connection) -> None:
        heads.append((await connection.request())[0])
        await connection.send(OK)

    answered(run(outcome_of(behave, headers=[("X-Empty", ""), ("Accept", "text/plain")])))
    assert b"\r\nx-empty:" in heads[0].lower()
    assert heads[0].lower().count(b"\r\naccept:") == 1


@pytest.mark.parametrize("length", [2, 1_500_000])
def test_what_a_request_says_without_being_asked(run: Run[Answer | Failed], length: int) -> None:
    """Each once, whatever the length; nobody is asked first whether he would take it."""
    heads: list[list[bytes]] = []

    async def behave(connection: Connection) -> None:
        head, _ = await connection.request()
        heads.append(head.lower().split(b"\r\n"))
        await connection.send(OK)

    answered(run(outcome_of(behave, body=bytes(length), headers=[("X-Mine", "1")])))
    assert {b"accept: */*", b"accept-encoding: identity", b"x-mine: 1"} < set(heads[0])
    names = [line.partition(b":")[0] for line in heads[0]]
    assert names.count(b"user-agent") == names.count(b"accept") == names.count(b"accept-encoding") == 1
    assert b"expect" not in names


def test_connections_that_nobody_needs_are_closed(run: Run[None]) -> None:
    ended = asyncio.Event()

    async def behave(connection: Connection) -> None:
        await connection.request()
        await connection.send(OK)
        await connection.reader.read()
        ended.set()

    async def main() -> None:
        sender = client(keepalive_s=0.1)
        async with serving(behave) as server:
            answered(await sender.send(post(server.url())))
            await asyncio.wait_for(ended.wait(), 5)
            answered(await sender.send(post(server.url())))
            assert (server.connections, sender.second_tries) == (2, 0)
        await sender.close()

    run(main())


def test_who_is_not_reached_and_who_is_asked_twice_is_counted(run: Run[None]) -> None:
    refused = catalogue.OUTBOUND_REFUSED_ADDRESSES.value()
    second = catalogue.OUTBOUND_SECOND_TRIES.value()

    async def behave(connection: Connection) -> None:
        await connection.request()
        await connection.send(OK)
        await connection.request()

    async def main() -> None:
        sender = client(lookup=lambda _: ["10.0.0.1"])
        async with serving(behave) as server:
            for url in (
                server.url(),
                server.url(),
                "http://10.0.0.1/hook",
                "http://inside.test/hook",
                "ftp://x",
            ):
                await sender.send(post(url))
        await sender.close()

    run(main())
    assert catalogue.OUTBOUND_REFUSED_ADDRESSES.value() == refused + 3
    assert catalogue.OUTBOUND_SECOND_TRIES.value() == second + 1
