"""Connections of HTTP/2 that end, refuse or fall silent: who is sent again, and who does not notice."""

import asyncio
import time

import pytest
from h2.errors import ErrorCodes

from tests.outbound.conftest import answered, failure
from tests.outbound.curl.conftest import SHORT_S, TIMEOUT_S, Talk, at, by_path, on_asyncio
from tests.outbound.http2_server import Behave, Stream, hang
from trackside.outbound.base import Answer, Failed, Fault

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


@pytest.mark.parametrize("number", [1, 2], ids=["new connection", "kept connection"])
def test_a_refused_stream_is_sent_again_at_once(talking: Talk, number: int) -> None:
    async def main() -> None:
        async with talking(at(number, _resetting(ErrorCodes.REFUSED_STREAM))) as both:
            for _ in range(2):
                answered(await both.ask())
            assert both.counts == (2, 1)

    on_asyncio(main())


def test_a_refused_stream_moves_to_another_kept_connection(talking: Talk) -> None:
    """No handshake for each request of a connection that refuses all of them."""
    seen: list[int] = []

    async def main() -> None:
        there = asyncio.Barrier(2)

        async def meet(stream: Stream) -> None:
            await there.wait()
            await stream.answer()

        async def refuse(stream: Stream) -> None:
            seen.append(stream.connection.number)
            if len(seen) == 1:
                await stream.reset(ErrorCodes.REFUSED_STREAM)
            else:
                await stream.answer()

        async with talking(by_path(meet=meet, refuse=refuse)) as both:
            for outcome in await both.ask_at_once(2, path="/meet"):
                answered(outcome)
            answered(await both.ask("/refuse"))
            assert both.counts == (2, 1)

    on_asyncio(main())
    assert sorted(seen) == [1, 2]


def test_who_moves_to_a_stale_connection_still_has_a_second_try(talking: Talk) -> None:
    seen: list[int] = []

    async def main() -> None:
        there = asyncio.Barrier(2)

        async def meet(stream: Stream) -> None:
            await there.wait()
            await stream.answer()

        async def refuse(stream: Stream) -> None:
            seen.append(stream.connection.number)
            if len(seen) == 1:
                await stream.reset(ErrorCodes.REFUSED_STREAM)
            elif len(seen) == 2:
                await _close(stream)
            else:
                await stream.answer()

        async with talking(by_path(meet=meet, refuse=refuse)) as both:
            for outcome in await both.ask_at_once(2, path="/meet"):
                answered(outcome)
            answered(await both.ask("/refuse"))
            assert both.counts == (3, 2)

    on_asyncio(main())
    assert sorted(seen) == [1, 2, 3]


def test_a_stream_that_is_refused_again_and_again_is_not_sent_for_ever(talking: Talk) -> None:
    seen: list[int] = []

    async def refuse(stream: Stream) -> None:
        seen.append(stream.number)
        await stream.reset(ErrorCodes.REFUSED_STREAM)

    async def main() -> None:
        async with talking(by_path(refuse=refuse)) as both:
            answered(await both.ask())
            failed = failure(await both.ask("/refuse"), Fault.RESET, maybe_sent=True)
            assert failed.duration_s < TIMEOUT_S
            answered(await both.ask())

    on_asyncio(main())
    assert len(seen) == 2


def test_a_receiver_that_refuses_and_goes_away_cannot_be_reached(talking: Talk) -> None:
    async def main() -> None:
        async def refuse(stream: Stream) -> None:
            both.server.stop_listening()
            await stream.reset(ErrorCodes.REFUSED_STREAM)

        async with talking(by_path(refuse=refuse)) as both:
            answered(await both.ask())
            failure(await both.ask("/refuse"), Fault.UNREACHABLE, maybe_sent=True)

    on_asyncio(main())


def test_goaway_lets_the_streams_end_that_it_names_and_the_others_begin_anew(talking: Talk) -> None:
    seen: dict[str, list[int]] = {"/one": [], "/two": []}

    async def main() -> None:
        both_there = asyncio.Barrier(2)

        async def part(stream: Stream) -> None:
            path = dict(stream.headers)[":path"]
            seen[path].append(stream.connection.number)
            if stream.connection.number == 1:
                await both_there.wait()
                if stream.number != min(stream.connection.streams):
                    first = sorted(stream.connection.streams)[1]
                    if stream.number == first:
                        await stream.connection.say_goodbye(last=first)
                    else:
                        await stream.given_up.wait()
            await asyncio.sleep(0.05)
            await stream.answer()

        async with talking(by_path(one=part, two=part)) as both:
            answered(await both.ask())
            for outcome in await asyncio.gather(both.ask("/one"), both.ask("/two")):
                answered(outcome)
            assert both.counts == (2, 1)

    on_asyncio(main())
    assert sorted(map(len, seen.values())) == [1, 2]


@pytest.mark.parametrize("behave", [_close, _tear_down], ids=["closed", "torn down"])
def test_a_kept_connection_that_ends_under_a_request_costs_a_second_try(
    talking: Talk, behave: Behave
) -> None:
    async def main() -> None:
        async with talking(at(2, behave)) as both:
            for _ in range(3):
                answered(await both.ask())
            assert both.counts == (2, 1)

    on_asyncio(main())


@pytest.mark.parametrize(
    ("behave", "faults"),
    [(_close, {Fault.CLOSED}), (_tear_down, {Fault.RESET, Fault.CLOSED})],
    ids=["closed", "torn down"],
)
def test_a_new_connection_that_ends_is_not_tried_again(
    talking: Talk, behave: Behave, faults: set[Fault]
) -> None:
    async def main() -> None:
        async with talking(by_path(bad=behave)) as both:
            outcome = await both.ask("/bad")
            assert isinstance(outcome, Failed)
            assert outcome.fault in faults
            assert outcome.maybe_sent
            assert both.counts == (1, 0)

    on_asyncio(main())


@pytest.mark.parametrize("behave", [_close, _tear_down], ids=["closed", "torn down"])
def test_a_connection_that_ends_under_many_ends_each_by_itself(talking: Talk, behave: Behave) -> None:
    """Who was answered in part has that; nobody is sent more than twice; who is elsewhere does not notice."""
    seen: dict[str, int] = {}

    async def main() -> None:
        there = asyncio.Barrier(4)

        async def bad(stream: Stream) -> None:
            path = dict(stream.headers)[":path"]
            seen[path] = seen.get(path, 0) + 1
            if stream.connection.number > 1:
                await behave(stream)
                return
            if path == "/bad/0":
                await stream.say(202)
                await stream.send(b"abc")
                await asyncio.sleep(0.05)
            await there.wait()
            await behave(stream)

        async with talking(by_path(bad=bad)) as both:
            answered(await both.ask())
            begun, *others = await asyncio.gather(*(both.ask(f"/bad/{number}") for number in range(4)))
            assert isinstance(begun, Answer)
            assert (begun.status, begun.body, begun.truncated) == (202, b"abc", True)
            for outcome in others:
                assert isinstance(outcome, Failed)
                assert outcome.fault in {Fault.CLOSED, Fault.RESET}
                assert outcome.maybe_sent
            answered(await both.ask())

    on_asyncio(main())
    assert seen["/bad/0"] == 1
    assert max(seen.values()) <= 2


def test_a_stream_that_hangs_ends_at_its_deadline_and_alone(talking: Talk) -> None:
    """Its neighbours are answered, before and after, over the same connection; the receiver is told."""
    given_up: list[int | None] = []

    async def main() -> None:
        async def stuck(stream: Stream) -> None:
            await stream.given_up.wait()
            given_up.append(stream.reset_with)

        async with talking(by_path(stuck=stuck)) as both:
            answered(await both.ask())
            began_s = time.monotonic()
            hanging = asyncio.create_task(both.ask("/stuck", timeout_s=SHORT_S))
            while not hanging.done():
                answered(await both.ask())
            assert SHORT_S * 0.9 < time.monotonic() - began_s < TIMEOUT_S
            failure(await hanging, Fault.TIMEOUT, maybe_sent=True)
            answered(await both.ask())
            assert both.counts == (1, 0)

    on_asyncio(main())
    assert len(given_up) == 1


def test_who_is_sent_again_and_not_answered_is_late(talking: Talk) -> None:
    """What became of the first connection is not what became of the request."""
    seen: list[int] = []

    async def main() -> None:
        async def bad(stream: Stream) -> None:
            seen.append(stream.connection.number)
            await (_tear_down if stream.connection.number == 1 else hang)(stream)

        async with talking(by_path(bad=bad)) as both:
            answered(await both.ask())
            failure(await both.ask("/bad", timeout_s=SHORT_S), Fault.TIMEOUT, maybe_sent=True)

    on_asyncio(main())
    assert seen == [1, 2]


def test_a_dead_connection_is_not_used_again(talking: Talk) -> None:
    """The system would try to reach the other side for a quarter of an hour, and each request would wait for that."""

    async def main() -> None:
        async def dead(stream: Stream) -> None:
            if stream.connection.number == 1:
                await stream.given_up.wait()
            else:
                await stream.answer()

        async with talking(by_path(dead=dead)) as both:
            answered(await both.ask())
            failure(await both.ask("/dead", timeout_s=SHORT_S), Fault.TIMEOUT, maybe_sent=True)
            answered(await both.ask("/dead"))
            assert both.counts == (2, 0)

    on_asyncio(main())


def test_a_dead_connection_is_left_also_while_others_go_on_waiting(
    talking: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who still waits on it when that is known gets its second try."""
    monkeypatch.setattr("trackside.outbound.curl.streams.SILENT_S", 0.2)

    async def main() -> None:
        async def dead(stream: Stream) -> None:
            if stream.connection.number == 1:
                await stream.given_up.wait()
            else:
                await stream.answer()

        async with talking(by_path(dead=dead)) as both:
            answered(await both.ask())
            patient = asyncio.create_task(both.ask("/dead", timeout_s=30))
            failure(await both.ask("/dead", timeout_s=0.3), Fault.TIMEOUT, maybe_sent=True)
            assert answered(await patient).duration_s < TIMEOUT_S
            answered(await both.ask("/dead"))
            assert both.counts == (2, 1)

    on_asyncio(main())


def test_a_connection_that_is_silent_from_the_beginning_is_not_used_again(talking: Talk) -> None:
    async def main() -> None:
        async def dead(stream: Stream) -> None:
            if stream.connection.number == 1:
                await stream.given_up.wait()
            else:
                await stream.answer()

        async with talking(by_path(dead=dead)) as both:
            failure(await both.ask("/dead", timeout_s=SHORT_S), Fault.TIMEOUT, maybe_sent=True)
            answered(await both.ask("/dead"))
            assert both.counts == (2, 0)

    on_asyncio(main())


async def _ping(stream: Stream) -> None:
    stream.connection.h2.ping(b"12345678")
    await stream.connection.flush()


async def _say_goodbye(stream: Stream) -> None:
    await stream.connection.say_goodbye(last=stream.number)


@pytest.mark.parametrize(
    ("then", "counts"),
    [(_ping, (1, 0)), (_say_goodbye, (3, 2)), (_tear_down, (3, 0))],
    ids=["ping", "goaway", "torn down"],
)
def test_what_comes_while_a_connection_is_at_rest(
    talking: Talk, then: Behave, counts: tuple[int, int]
) -> None:
    """Not all of it is the end; where it is, nothing is lost."""

    async def behave(stream: Stream) -> None:
        await stream.request()
        await stream.answer()
        await asyncio.sleep(0.02)
        await then(stream)

    async def main() -> None:
        async with talking(behave) as both:
            for _ in range(3):
                answered(await both.ask())
                await asyncio.sleep(0.06)
            assert both.counts == counts

    on_asyncio(main())


def test_a_connection_that_was_closed_at_rest_is_not_used(talking: Talk) -> None:
    async def last(stream: Stream) -> None:
        await stream.request()
        await stream.answer()
        await stream.connection.say_goodbye(last=stream.number)
        sock = stream.connection.wire
        await asyncio.sleep(0.01)
        sock.writer.transport.abort()

    async def main() -> None:
        async with talking(last) as both:
            for _ in range(3):
                answered(await both.ask())
                await asyncio.sleep(0.05)
            assert both.counts == (3, 0)

    on_asyncio(main())
