"""What a receiver can do to requests over HTTP/2, and what it comes to: the same as over HTTP/1.1."""

import asyncio

import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from tests.outbound.conftest import answered, failure
from tests.outbound.curl.conftest import SHORT_S, TIMEOUT_S, Talk, by_path, on_asyncio
from tests.outbound.http2_server import Behave, Stream, answer, hang
from tests.outbound.servers import OK
from trackside.outbound.base import Fault

pytest.importorskip("pycurl")

NO_FRAME = b"\x00\x00\x01\x04\x00\x00\x00\x00\x00x"
"""SETTINGS of one byte."""


def _resetting(code: ErrorCodes) -> Behave:
    async def behave(stream: Stream) -> None:
        await stream.reset(code)

    return behave


async def _close(stream: Stream) -> None:
    stream.connection.wire.writer.close()


async def _tear_down(stream: Stream) -> None:
    stream.connection.wire.reset()


@pytest.mark.parametrize(
    "code",
    [
        *(ErrorCodes.CANCEL, ErrorCodes.INTERNAL_ERROR, ErrorCodes.ENHANCE_YOUR_CALM),
        *(ErrorCodes.PROTOCOL_ERROR, ErrorCodes.INADEQUATE_SECURITY),
    ],
)
def test_a_stream_that_is_reset_may_have_been_processed(talking: Talk, code: ErrorCodes) -> None:
    """It is not sent again, and the connection lives."""

    async def main() -> None:
        async with talking(by_path(bad=_resetting(code))) as both:
            for _ in range(2):
                failed = failure(await both.ask("/bad"), Fault.RESET, maybe_sent=True)
                assert failed.detail.endswith(code.name)
                answered(await both.ask("/good"))
            assert both.counts == (1, 0)

    on_asyncio(main())


def test_a_stream_that_is_closed_without_an_answer(talking: Talk) -> None:
    async def main() -> None:
        async with talking(by_path(bad=_resetting(ErrorCodes.NO_ERROR))) as both:
            failure(await both.ask("/bad"), Fault.CLOSED, maybe_sent=True)
            answered(await both.ask("/good"))
            assert both.counts == (1, 0)

    on_asyncio(main())


def test_a_receiver_that_takes_no_more_of_a_request_is_late(talking: Talk) -> None:
    """Its window stays shut for one request, and the next one goes through."""

    async def main() -> None:
        async with talking(answer, settings={SettingCodes.INITIAL_WINDOW_SIZE: 1_000}) as both:
            answered(await both.ask())
            failed = failure(
                await both.ask(body=b"x" * 100_000, headers=[("x-stall", "1")], timeout_s=SHORT_S),
                Fault.TIMEOUT,
                maybe_sent=True,
            )
            assert failed.duration_s < TIMEOUT_S
            answered(await both.ask())

    on_asyncio(main())


@pytest.mark.parametrize("end", [_resetting(ErrorCodes.CANCEL), _close, _tear_down, hang])
def test_case_7_after_the_head_the_status_stands(talking: Talk, end: Behave) -> None:
    async def bad(stream: Stream) -> None:
        await stream.say(200, [("content-length", "9")])
        await stream.send(b"abc")
        await asyncio.sleep(0.05)  # what was sent must have been read: a reset takes it away
        await end(stream)

    async def main() -> None:
        async with talking(by_path(bad=bad)) as both:
            answered(await both.ask())
            got = answered(await both.ask("/bad", timeout_s=SHORT_S))
            assert (got.status, got.truncated, got.body) == (200, True, b"abc")
            assert both.counts == (1, 0)

    on_asyncio(main())


def test_case_3_a_body_that_drips_ends_at_the_deadline(talking: Talk) -> None:
    async def drip(stream: Stream) -> None:
        await stream.say()
        while not stream.given_up.is_set():
            await stream.send(b"x")
            await asyncio.sleep(0.02)

    async def main() -> None:
        async with talking(by_path(drip=drip)) as both:
            got = answered(await both.ask("/drip", timeout_s=SHORT_S))
            assert got.truncated
            assert SHORT_S * 0.9 < got.duration_s < TIMEOUT_S

    on_asyncio(main())


async def _large_head(stream: Stream) -> None:
    await stream.say(200, [(f"x-{number}", "y" * 100) for number in range(1_000)])
    await stream.answer()


async def _endless_information(stream: Stream) -> None:
    while not stream.given_up.is_set():
        await stream.say(100, [("x", "y" * 1_000)])
        await asyncio.sleep(0)  # it is so small on the wire that nothing else would have its turn


async def _wrong_length(stream: Stream) -> None:
    await stream.say(200, [("content-length", "-1")])


async def _no_status(stream: Stream) -> None:
    stream.connection.h2.send_headers(stream.number, [("x", "1")], end_stream=True)
    await stream.connection.flush()


@pytest.mark.parametrize("bad", [_large_head, _endless_information, _wrong_length, _no_status])
def test_case_6_and_8_a_head_that_is_none_is_the_fault_of_its_stream_alone(
    talking: Talk, bad: Behave
) -> None:
    async def late(stream: Stream) -> None:
        await asyncio.sleep(0.2)
        await stream.answer()

    async def main() -> None:
        async with talking(by_path(bad=bad, late=late)) as both:
            answered(await both.ask())
            neighbour, outcome = await asyncio.gather(both.ask("/late"), both.ask("/bad"))
            failure(outcome, Fault.PROTOCOL, maybe_sent=True)
            answered(neighbour)
            assert both.counts == (1, 0)

    on_asyncio(main())


@pytest.mark.parametrize("text", [OK, NO_FRAME * 9], ids=["HTTP/1.1", "no frame"])
@pytest.mark.parametrize("closes", [True, False])
def test_case_8_who_offers_http_2_and_speaks_none(talking: Talk, text: bytes, closes: bool) -> None:
    """Where the connection stays open, it is known at the deadline only."""

    async def main() -> None:
        async def bad(stream: Stream) -> None:
            await stream.connection.wire.send(text)
            if closes:
                stream.connection.wire.writer.close()
            await stream.given_up.wait()

        async with talking(by_path(bad=bad)) as both:
            outcome = await both.ask("/bad", timeout_s=TIMEOUT_S if closes else SHORT_S)
            failed = failure(outcome, Fault.PROTOCOL, maybe_sent=True)
            assert failed.duration_s < TIMEOUT_S
            answered(await both.ask())

    on_asyncio(main())


def test_closed_instead_of_a_preface(talking: Talk) -> None:
    async def main() -> None:
        async with talking(_close) as both:
            failure(await both.ask(), Fault.CLOSED, maybe_sent=True)

    on_asyncio(main())


def test_garbage_on_a_connection_does_not_reach_those_on_another(talking: Talk) -> None:
    async def garbage(stream: Stream) -> None:
        await stream.connection.wire.send(NO_FRAME)
        await stream.given_up.wait()

    async def main() -> None:
        async with talking(by_path(bad=garbage)) as both:
            bad = asyncio.create_task(both.ask("/bad", timeout_s=SHORT_S))
            for _ in range(5):
                answered(await both.ask())
                await asyncio.sleep(0.02)
            failure(await bad, Fault.PROTOCOL, maybe_sent=True)

    on_asyncio(main())


def test_where_http_1_1_is_required_it_is_spoken_and_remembered(talking: Talk) -> None:
    seen: list[int] = []

    async def behave(stream: Stream) -> None:
        seen.append(stream.number)
        await stream.reset(ErrorCodes.HTTP_1_1_REQUIRED)

    async def main() -> None:
        async with talking(behave) as both:
            for _ in range(3):
                assert answered(await both.ask()).body == b"ok"
            assert both.counts == (2, 1)

    on_asyncio(main())
    assert len(seen) == 1
