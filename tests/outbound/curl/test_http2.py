"""HTTP/2 with receivers that behave: when it is spoken, what is sent, what is kept."""

import asyncio

import pytest
from h2.settings import SettingCodes

from tests.outbound.certificates import Authority
from tests.outbound.conftest import answered, client, failure, post
from tests.outbound.curl.conftest import HOST, TIMEOUT_S, Talk, by_path, on_asyncio
from tests.outbound.http2_server import Behave, Stream, answer, hang, offering
from tests.outbound.servers import OK, Connection, serving
from trackside.outbound.base import RESPONSE_BYTES, Fault
from trackside.outbound.signing import Signer, new_secret, verify

pytest.importorskip("pycurl")


async def _nobody(_: Connection) -> None:
    raise AssertionError("HTTP/2 was to be spoken")


def test_requests_go_one_after_the_other_over_one_connection(talking: Talk) -> None:
    async def main() -> None:
        async with talking(answer, plain=_nobody) as both:
            for _ in range(3):
                got = answered(await both.ask())
                assert (got.status, got.body, got.truncated) == (200, b"ok", False)
            assert both.counts == (1, 0)

    on_asyncio(main())


def test_requests_go_side_by_side_over_one_connection(talking: Talk) -> None:
    """All of them are there before the first is answered."""

    async def main() -> None:
        there = asyncio.Barrier(20)

        async def behave(stream: Stream) -> None:
            await stream.request()
            await there.wait()
            await stream.answer()

        async with talking(by_path(all=behave), plain=_nobody) as both:
            answered(await both.ask("/first"))
            for outcome in await both.ask_at_once(20, path="/all"):
                answered(outcome)
            assert both.counts == (1, 0)

    on_asyncio(main())


def test_a_first_handshake_that_takes_its_time_holds_up_nobody(
    talking: Talk, authority: Authority, certificate: str
) -> None:
    """Requests do not wait for another's connection to find out whether they can share it."""

    async def main() -> None:
        first = asyncio.Event()

        async def slow(connection: Connection) -> None:
            if connection.number == 1:
                first.set()
                await connection.reader.read()  # the handshake never begins
                return
            await connection.pass_on(both.server.port)

        async with talking(answer) as both, serving(slow) as front:
            url = f"https://{HOST}:{front.port}/hook"
            stuck = asyncio.create_task(both.sender.send(post(url, timeout_s=0.6)))
            await asyncio.wait_for(first.wait(), TIMEOUT_S)
            got = answered(await both.sender.send(post(url, timeout_s=TIMEOUT_S)))
            assert got.duration_s < TIMEOUT_S
            failure(await stuck, Fault.TIMEOUT, maybe_sent=False)

    on_asyncio(main())


@pytest.mark.parametrize("wanted", [True, False], ids=["of the receiver", "of the operator"])
def test_http_1_1_is_spoken_where_one_side_wants_no_other(
    talking: Talk, certificate: str, wanted: bool
) -> None:
    async def never(_: Stream) -> None:
        raise AssertionError("HTTP/1.1 was to be spoken")

    context = offering(certificate, "http/1.1") if wanted else offering(certificate)

    async def main() -> None:
        async with talking(never, context=context, http2=wanted) as both:
            for _ in range(2):
                assert answered(await both.ask()).body == b"ok"
            assert both.counts == (1, 0)

    on_asyncio(main())


def test_the_environment_can_forbid_it(talking: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKSIDE_HTTP2", "off")

    async def main() -> None:
        async with talking(hang) as both:
            assert answered(await both.ask()).body == b"ok"

    on_asyncio(main())


@pytest.mark.parametrize("client_class", ["curl"], indirect=True)
def test_without_tls_it_is_not_tried(client_class: type[object]) -> None:
    heads: list[bytes] = []

    async def behave(connection: Connection) -> None:
        heads.append((await connection.request())[0])
        await connection.send(OK)

    async def main() -> None:
        sender = client()
        async with serving(behave) as server:
            answered(await sender.send(post(server.url())))
        await sender.close()

    on_asyncio(main())
    assert heads[0].startswith(b"POST /hook HTTP/1.1\r\n")
    assert b"upgrade" not in heads[0].lower()


def test_the_head_and_the_bytes_that_arrive(talking: Talk) -> None:
    secret = new_secret()
    bodies = [b"", b"{}", bytes(range(256)) * 9, b"x" * 3_000_000]
    got: list[tuple[dict[str, str], bytes]] = []

    async def behave(stream: Stream) -> None:
        body = await stream.request()
        got.append((dict(stream.headers), body))
        await stream.answer()

    async def main() -> None:
        async with talking(behave) as both:
            for body in bodies:
                signed = Signer([secret]).headers("msg_1", body, at_s=1_000)
                headers = [*signed, ("X-Ü".replace("Ü", "U"), "ü"), ("Connection", "close"), ("TE", "gzip")]
                answered(await both.ask("/hook?a=b", body=body, headers=headers))
            assert both.counts == (1, 0)

    on_asyncio(main())
    assert [body for _, body in got] == bodies
    for head, body in got:
        assert verify(body, head, secrets=[secret], now_s=1_000)
        assert head.pop(":authority").startswith(f"{HOST}:")
        assert {name: head[name] for name in head if not name.startswith("webhook-")} == {
            ":method": "POST",
            ":scheme": "https",
            ":path": "/hook?a=b",
            "user-agent": "Trackside",
            "accept": "*/*",
            "accept-encoding": "identity",
            "x-u": "ü",
            "content-length": str(len(body)),
        }


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_methods(talking: Talk, method: str) -> None:
    async def behave(stream: Stream) -> None:
        await stream.request()
        said = dict(stream.headers)[":method"]
        await stream.say(200, [("x-method", said), ("content-length", "2")], end=said == "HEAD")
        if said != "HEAD":
            await stream.send(b"ok", end=True)

    async def main() -> None:
        async with talking(behave) as both:
            for _ in range(2):
                got = answered(
                    await both.ask(method=method, body=b"" if method in {"GET", "HEAD"} else b"{}")
                )
                assert (got.headers["x-method"], got.truncated) == (method, False)
                assert got.body == (b"" if method == "HEAD" else b"ok")
            assert both.counts == (1, 0)

    on_asyncio(main())


async def _reset_content(stream: Stream) -> None:
    await stream.say(205, end=True)


async def _reset_content_open(stream: Stream) -> None:
    await stream.say(205)
    await stream.given_up.wait()


async def _informed(stream: Stream) -> None:
    await stream.say(100)
    await stream.say(103, [("link", "x")])
    await stream.answer()


async def _trailing(stream: Stream) -> None:
    await stream.say(200)
    await stream.send(b"ok")
    stream.connection.h2.send_headers(stream.number, [("x-checksum", "1")], end_stream=True)
    await stream.connection.flush()


def _status(status: int, body: bytes = b"") -> Behave:
    async def behave(stream: Stream) -> None:
        await stream.answer(status, body, [("x-a", "1")])

    return behave


@pytest.mark.parametrize(
    ("behave", "status", "body"),
    [
        (_status(204), 204, b""),
        (_status(304), 304, b""),
        (_status(308), 308, b""),
        (_status(500, b"no"), 500, b"no"),
        (_reset_content, 205, b""),
        (_reset_content_open, 205, b""),
        (_informed, 200, b"ok"),
        (_trailing, 200, b"ok"),
    ],
    ids=["204", "304", "308", "500", "205", "205 without an end", "1xx", "trailers"],
)
def test_case_10_answers_leave_the_connection_open(
    talking: Talk, behave: Behave, status: int, body: bytes
) -> None:
    async def main() -> None:
        async with talking(by_path(hook=behave)) as both:
            for _ in range(3):
                got = answered(await both.ask())
                assert (got.status, got.body, got.truncated) == (status, body, False)
                assert "x-checksum" not in got.headers
            assert both.counts == (1, 0)

    on_asyncio(main())


def test_case_4_a_body_that_is_too_large_ends_its_own_stream(talking: Talk) -> None:
    """Also again and again: what was not read does not use up the connection's window."""
    resets: list[Stream] = []

    async def endless(stream: Stream) -> None:
        await stream.say()
        while not stream.given_up.is_set():
            await stream.send(b"x" * 65_536)
        resets.append(stream)

    async def main() -> None:
        async with talking(by_path(endless=endless)) as both:
            answered(await both.ask("/first"))
            for _ in range(10):
                large, small = await asyncio.gather(both.ask("/endless"), both.ask("/small"))
                got = answered(large)
                assert (len(got.body), got.truncated) == (RESPONSE_BYTES, True)
                assert answered(small).body == b"ok"
            assert both.counts == (1, 0)

    on_asyncio(main())


def test_more_requests_than_the_receiver_takes_at_a_time(talking: Talk) -> None:
    """They wait for one another, or go over a second connection; all are answered."""
    most: list[int] = [0]

    async def behave(stream: Stream) -> None:
        await stream.request()
        most.append(stream.connection.h2.open_inbound_streams)
        await asyncio.sleep(0.01)
        await stream.answer()

    async def main() -> None:
        async with talking(behave, settings={SettingCodes.MAX_CONCURRENT_STREAMS: 2}) as both:
            answered(await both.ask())
            for outcome in await both.ask_at_once(10):
                answered(outcome)
            assert both.sender.second_tries == 0

    on_asyncio(main())
    assert max(most) <= 2


def test_a_wait_for_a_free_stream_counts_in_the_deadline(talking: Talk) -> None:
    async def main() -> None:
        one = {SettingCodes.MAX_CONCURRENT_STREAMS: 1}
        async with talking(by_path(hang=hang), settings=one) as both:
            answered(await both.ask())
            for outcome in await both.ask_at_once(3, path="/hang", timeout_s=0.3):
                assert failure(outcome, Fault.TIMEOUT, maybe_sent=True).duration_s < TIMEOUT_S

    on_asyncio(main())


def test_nothing_is_pushed(talking: Talk) -> None:
    said: list[int] = []

    async def behave(stream: Stream) -> None:
        await stream.request()
        said.append(stream.connection.h2.remote_settings.enable_push)
        await stream.answer()

    async def main() -> None:
        async with talking(behave) as both:
            answered(await both.ask())

    on_asyncio(main())
    assert said == [0]
