"""Cases 15 to 17: names that lead nowhere, names that lead astray, URLs that are none."""

import socket
import threading
import time
from collections.abc import Callable, Sequence

import pytest

from tests.outbound.conftest import HERE, TIMEOUT_S, AnyClient, Run, answered, failure, new_client, post
from tests.outbound.servers import answering, serving
from trackside.outbound.base import Answer, Failed, Fault
from trackside.outbound.policy import AddressPolicy

PUBLIC = "93.184.215.14"
STRICT = AddressPolicy()


PATIENCE_S = 5.0


def _raising(error: Exception) -> Callable[[str], Sequence[str]]:
    def lookup(_: str) -> Sequence[str]:
        raise error

    return lookup


def _leading_to(*addresses: str) -> Callable[[str], Sequence[str]]:
    return lambda _: addresses


async def _outcome(
    sender: AnyClient, url: str = "https://hooks.test/hook", *, timeout_s: float = PATIENCE_S
) -> Answer | Failed:
    outcome = await sender.send(post(url, timeout_s=timeout_s))
    await sender.close()
    return outcome


@pytest.mark.parametrize(
    "lookup",
    [
        _raising(socket.gaierror(socket.EAI_NONAME, "Name or service not known")),
        _raising(socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")),
        _raising(socket.gaierror(socket.EAI_FAIL, "Non-recoverable failure")),
        _raising(OSError("a loop of aliases")),
        _raising(UnicodeError("label too long")),
        _leading_to(),
    ],
    ids=["NXDOMAIN", "SERVFAIL or timeout", "failure", "loop", "broken resolver", "no answers"],
)
def test_case_15_a_name_that_leads_nowhere(
    run: Run[Answer | Failed], lookup: Callable[[str], Sequence[str]]
) -> None:
    failed = failure(run(_outcome(new_client(lookup=lookup))), Fault.UNRESOLVED, maybe_sent=False)
    assert failed.duration_s < PATIENCE_S / 2


def test_case_15_the_system_s_own_resolver(run: Run[Answer | Failed]) -> None:
    outcome = run(_outcome(new_client(), "https://nobody.invalid/hook", timeout_s=TIMEOUT_S))
    assert isinstance(outcome, Failed)
    assert outcome.fault in {Fault.UNRESOLVED, Fault.TIMEOUT}  # as long as its network takes


@pytest.mark.slow
def test_case_15_a_resolver_that_hangs_ends_at_the_deadline_and_holds_up_nobody(run: Run[None]) -> None:
    release = threading.Event()
    asked: list[str] = []

    def lookup(host: str) -> Sequence[str]:
        asked.append(host)
        if host == "slow.test":
            release.wait(30)
        return ["127.0.0.1"]

    async def main() -> None:
        sender = new_client(policy=HERE, lookup=lookup)
        async with serving(answering()) as server:
            began_s = time.monotonic()
            for _ in range(2):
                failure(await sender.send(post("http://slow.test/hook")), Fault.TIMEOUT, maybe_sent=False)
                assert answered(await sender.send(post(server.url("quick.test")))).duration_s < TIMEOUT_S / 2
            assert time.monotonic() - began_s < TIMEOUT_S * 3
        release.set()
        await sender.close()

    run(main())
    assert asked == ["slow.test", "quick.test"], "each name is asked for once, however many wait"


def test_an_answer_is_kept_for_a_while(run: Run[None]) -> None:
    asked: list[str] = []

    def lookup(host: str) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    async def main() -> None:
        sender = new_client(policy=HERE, lookup=lookup, keepalive_s=0.001)
        closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        async with serving(answering(closing)) as server:
            for _ in range(3):
                answered(await sender.send(post(server.url("hooks.test"))))
            assert server.connections == 3
        await sender.close()

    run(main())
    assert asked == ["hooks.test"]


def test_what_led_nowhere_is_asked_for_again(run: Run[None], free_port: int) -> None:
    asked: list[str] = []

    def lookup(host: str) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.2"] if len(asked) == 1 else ["127.0.0.1"]

    async def main() -> None:
        sender = new_client(policy=HERE, lookup=lookup)
        async with serving(answering()) as server:
            failure(await sender.send(post(server.url("hooks.test"))), Fault.UNREACHABLE, maybe_sent=False)
            assert answered(await sender.send(post(server.url("hooks.test")))).status == 200
        await sender.close()

    run(main())


def test_of_several_addresses_one_that_works_is_enough(run: Run[None]) -> None:
    async def main() -> None:
        sender = new_client(policy=HERE, lookup=_leading_to("127.0.0.2", "127.0.0.3", "127.0.0.1"))
        async with serving(answering()) as server:
            answered(await sender.send(post(server.url("hooks.test"))))
        await sender.close()

    run(main())


def test_case_16_a_name_that_leads_elsewhere_once_it_is_saved(run: Run[None]) -> None:
    """The rule is asked on the address of each connection, not on that of the moment of saving."""
    answers = [[PUBLIC], ["169.254.169.254"]]
    url = "http://rebinding.test/hook"
    assert STRICT.why_not_url(url) is None
    assert STRICT.why_not_address(answers.pop(0)[0]) is None

    async def main() -> None:
        sender = new_client(lookup=lambda _: answers[0])
        failed = failure(await sender.send(post(url)), Fault.REFUSED_ADDRESS, maybe_sent=False)
        assert "cloud" in failed.detail
        await sender.close()

    run(main())


@pytest.mark.parametrize(
    "bad",
    [
        *(
            "10.0.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
        ),
        *("fe80::1%2", "0.0.0.0", "168.63.129.16", "not an address"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_case_16_one_bad_address_among_good_ones_is_enough(
    run: Run[Answer | Failed], monkeypatch: pytest.MonkeyPatch, bad: str, first: bool
) -> None:
    made: list[object] = []
    monkeypatch.setattr("trackside.outbound.sockets.new_socket", lambda *what: made.append(what))
    addresses = [bad, PUBLIC] if first else [PUBLIC, bad]
    outcome = run(_outcome(new_client(lookup=_leading_to(*addresses))))
    failure(outcome, Fault.REFUSED_ADDRESS, maybe_sent=False)
    assert made == []


@pytest.mark.parametrize(
    "host",
    [
        *(
            "127.0.0.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "127.1",
            "0177.0.0.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
        ),
        *("[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "169.254.169.254", "168.63.129.16"),
        *("100.100.100.200", "localhost", "0.0.0.0", "[::]", "127.0.0.1."),
    ],
)
def test_case_16_an_address_in_the_url_is_judged_too(run: Run[None], host: str) -> None:
    async def main() -> None:
        sender = new_client()
        async with serving(answering()) as server:
            failure(await sender.send(post(server.url(host))), Fault.REFUSED_ADDRESS, maybe_sent=False)
            assert server.connections == 0
        await sender.close()

    run(main())


def test_case_16_the_socket_itself_is_made_by_the_policy(
    run: Run[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should the first look at a URL or a name ever miss one, no connection is made all the same."""
    asked: list[str] = []

    class Late(AddressPolicy):
        """Finds everything good until a socket is made."""

        def why_not_address(self, address: object, host: str = "") -> str | None:
            """Say no the second time."""
            asked.append(str(address))
            return None if len(asked) == 1 else "it is not public"

    async def main() -> None:
        async with serving(answering()) as server:
            for sender, host in (
                (new_client(policy=Late()), "127.0.0.1"),
                (new_client(policy=Late(), lookup=_leading_to("127.0.0.1")), "hooks.test"),
            ):
                asked.clear()
                failure(await sender.send(post(server.url(host))), Fault.REFUSED_ADDRESS, maybe_sent=False)
                assert asked[:2] == ["127.0.0.1"] * 2
                await sender.close()
            assert server.connections == 0

    run(main())


def test_an_allowed_host_leads_into_a_private_network_and_a_second_name_for_it_does_not(
    run: Run[None],
) -> None:
    async def main() -> None:
        policy = AddressPolicy(allow=["crm.internal"])
        sender = new_client(policy=policy, lookup=_leading_to("127.0.0.1"))
        async with serving(answering()) as server:
            answered(await sender.send(post(server.url("crm.internal"))))
            outcome = await sender.send(post(server.url("evil.test")))
            failure(outcome, Fault.REFUSED_ADDRESS, maybe_sent=False)
        await sender.close()

    run(main())


@pytest.mark.parametrize(
    "url",
    [
        *(
            "https://user:secret@hooks.test/hook",
            "https://hooks.test/hook#secret",
            "https://hooks.test:22/hook",
        ),
        *("https://hooks.test:25/hook", "https://hooks.test/hook\r\nX: y", "https://hooks.test/hook y", ""),
        *("https://hooks.test/hook" + "a" * 2_048, "ftp://hooks.test/hook", "https://ho oks.test/hook"),
    ],
)
def test_case_17_a_url_that_may_not_be_saved_is_not_sent_to(run: Run[Answer | Failed], url: str) -> None:
    assert STRICT.why_not_url(url)
    failed = failure(
        run(_outcome(new_client(lookup=_leading_to(PUBLIC)), url)), Fault.REFUSED_ADDRESS, maybe_sent=False
    )
    assert failed.detail == STRICT.why_not_url(url)
    assert "secret" not in failed.detail


def test_case_17_a_name_in_other_letters_is_asked_for_in_ascii(run: Run[None]) -> None:
    asked: list[str] = []

    def lookup(host: str) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    async def main() -> None:
        sender = new_client(policy=HERE, lookup=lookup)
        async with serving(answering()) as server:
            answered(await sender.send(post(server.url("bücher.test", "/ü?ü=1"))))
        await sender.close()

    run(main())
    assert asked == ["xn--bcher-kva.test"]
