"""Case 34: a proxy of the operator's own, whose failures are not the receiver's."""

import socket
from base64 import b64encode

import pytest

from tests.outbound.certificates import Authority, server_tls
from tests.outbound.conftest import TIMEOUT_S, Run, answered, failure, new_client, post
from tests.outbound.servers import OK, Behave, Connection, answering, hang, saying, serving, tunnel
from trackside.errors import ConfigurationError
from trackside.outbound.base import Answer, Failed, Fault
from trackside.outbound.tls import TlsFiles


async def _through(behave: Behave, url: str, **settings: object) -> Answer | Failed:
    async with serving(behave) as proxy:
        sender = new_client(proxy=f"http://127.0.0.1:{proxy.port}", **settings)
        outcome = await sender.send(post(url, timeout_s=TIMEOUT_S))
        await sender.close()
    return outcome


def test_a_plain_request_goes_through_it(run: Run[Answer | Failed]) -> None:
    heads: list[bytes] = []

    async def behave(connection: Connection) -> None:
        heads.append((await connection.request())[0])
        await connection.send(OK)

    answered(run(_through(behave, "http://hooks.test/hook")))
    assert heads[0].startswith(b"POST http://hooks.test/hook HTTP/1.1\r\n")


def test_https_goes_through_a_tunnel_and_the_certificate_is_the_receiver_s(
    run: Run[None], authority: Authority
) -> None:
    heads: list[bytes] = []
    context = server_tls(authority.issue("behind-a-proxy", "hooks.test"))

    async def main() -> None:
        async with serving(answering(), context) as server, serving(tunnel(heads, server.port)) as proxy:
            address = f"http://me:p%40ss@127.0.0.1:{proxy.port}"
            sender = new_client(proxy=address, tls=TlsFiles(ca_file=str(authority.file)))
            for _ in range(2):
                outcome = await sender.send(post("https://hooks.test/hook", timeout_s=5))
                assert answered(outcome).status == 200
            outcome = await sender.send(post("https://other.test/hook", timeout_s=5))
            failure(outcome, Fault.TLS, maybe_sent=False)
            await sender.close()

    run(main())
    assert heads[0].startswith(b"CONNECT hooks.test:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic " + b64encode(b"me:p@ss") in heads[0]
    assert len(heads) == 2, "a tunnel is kept open"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_case_34_nobody_listens_there(run: Run[None], scheme: str, free_port: int) -> None:
    async def main() -> None:
        sender = new_client(proxy=f"http://127.0.0.1:{free_port}")
        failure(await sender.send(post(f"{scheme}://hooks.test/hook")), Fault.PROXY, maybe_sent=False)
        await sender.close()

    run(main())


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_case_34_its_name_leads_nowhere(run: Run[None], scheme: str) -> None:
    def lookup(_: str) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "no")

    async def main() -> None:
        sender = new_client(proxy="http://proxy.internal:3128", lookup=lookup)
        failure(await sender.send(post(f"{scheme}://hooks.test/hook")), Fault.PROXY, maybe_sent=False)
        await sender.close()

    run(main())


def test_case_34_it_cannot_be_reached_in_time(run: Run[None]) -> None:
    async def main() -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            callers = [socket.socket() for _ in range(4)]
            for caller in callers:
                caller.setblocking(False)
                caller.connect_ex(full.getsockname())
            sender = new_client(proxy=f"http://127.0.0.1:{full.getsockname()[1]}")
            failure(await sender.send(post("https://hooks.test/hook")), Fault.PROXY, maybe_sent=False)
            await sender.close()
            for caller in callers:
                caller.close()

    run(main())


@pytest.mark.parametrize("status", [400, 403, 407, 500])
def test_case_34_it_does_not_let_us_through(run: Run[Answer | Failed], status: int) -> None:
    text = f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode()
    failure(run(_through(saying(text), "https://hooks.test/hook")), Fault.PROXY, maybe_sent=False)


def test_case_34_it_wants_a_password_for_a_plain_request(run: Run[Answer | Failed]) -> None:
    text = b"HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n"
    failure(run(_through(saying(text), "http://hooks.test/hook")), Fault.PROXY, maybe_sent=False)


@pytest.mark.parametrize("behave", [saying(b""), saying(b"garbage\r\n\r\n")], ids=["closes", "garbage"])
def test_case_34_it_breaks_off(run: Run[Answer | Failed], behave: Behave) -> None:
    failure(run(_through(behave, "https://hooks.test/hook")), Fault.PROXY, maybe_sent=False)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_what_a_good_proxy_says_of_the_receiver_is_the_receiver_s(
    run: Run[Answer | Failed], status: int
) -> None:
    text = f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode()
    failure(run(_through(saying(text), "https://hooks.test/hook")), Fault.UNREACHABLE, maybe_sent=False)


@pytest.mark.slow
def test_a_receiver_behind_it_that_does_not_answer_is_late(run: Run[Answer | Failed]) -> None:
    failure(run(_through(hang, "https://hooks.test/hook")), Fault.TIMEOUT, maybe_sent=False)
    failure(run(_through(hang, "http://hooks.test/hook")), Fault.TIMEOUT, maybe_sent=True)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/hook", "http://169.254.169.254/hook", "http://localhost/hook"]
)
def test_an_address_in_the_url_is_judged_before_the_proxy_hears_of_it(
    run: Run[Answer | Failed], url: str
) -> None:
    failure(run(_through(answering(), url)), Fault.REFUSED_ADDRESS, maybe_sent=False)


@pytest.mark.parametrize("proxy", ["proxy:3128", "socks5://proxy:1080", "http://", "http://[::1", "x"])
@pytest.mark.usefixtures("client_class")
def test_a_proxy_s_url_that_is_none_is_told(proxy: str) -> None:
    with pytest.raises(ConfigurationError, match=r"want http://proxy\.example\.org:3128"):
        new_client(proxy=proxy)
