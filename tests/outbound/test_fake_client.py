"""The fake client for tests of what sends."""

import asyncio

from trackside.outbound.base import Answer, Client, Failed, Fault, Outgoing
from trackside.testing.outbound import FakeClient, answer

REQUEST = Outgoing(url="https://hooks.example.org/", body=b"{}")


def test_it_answers_200_and_keeps_what_it_was_given() -> None:
    client = FakeClient()
    as_contract: Client = client
    assert asyncio.run(as_contract.send(REQUEST)) == answer(200)
    assert client.requests == [REQUEST]


def test_it_answers_in_the_order_of_its_script_and_repeats_the_last() -> None:
    failed = Failed(fault=Fault.TIMEOUT, detail="no answer within 1 s")
    client = FakeClient([answer(500), failed, answer(204, headers={"Retry-After": "3"})])

    async def four() -> list[Answer | Failed]:
        return [await client.send(REQUEST) for _ in range(4)]

    last = answer(204, headers={"retry-after": "3"})
    assert asyncio.run(four()) == [answer(500), failed, last, last]


def test_a_script_may_be_a_function_that_waits_or_not() -> None:
    async def waits(request: Outgoing) -> Answer:
        await asyncio.sleep(0)
        return answer(200, request.body)

    assert asyncio.run(FakeClient(waits).send(REQUEST)) == answer(200, b"{}")
    assert asyncio.run(FakeClient(lambda _: answer(410)).send(REQUEST)) == answer(410)


def test_a_closed_one_fails_as_local_and_has_sent_nothing() -> None:
    client = FakeClient()

    async def close_and_send() -> Answer | Failed:
        await client.close()
        return await client.send(REQUEST)

    outcome = asyncio.run(close_and_send())
    assert isinstance(outcome, Failed)
    assert outcome.fault is Fault.LOCAL
    assert outcome.is_ours
    assert not outcome.maybe_sent
    assert client.requests == []
