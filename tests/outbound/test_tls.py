"""Case 14: who cannot prove who it is gets nothing, and nothing is said in the clear."""

import ssl
import warnings
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.outbound.certificates import Authority, server_tls
from tests.outbound.conftest import Run, answered, client, failure, post
from tests.outbound.servers import Behave, Connection, answering, refusing, serving
from trackside.errors import ConfigurationError
from trackside.outbound.base import Answer, Failed, Fault
from trackside.outbound.tls import MACHINE_S, TlsFiles, system_tls, tls_context

HOST = "hooks.test"
TIMEOUT_S = 5.0  # a handshake takes its time on a busy machine


async def _outcome(
    server_context: ssl.SSLContext | None,
    *,
    tls: TlsFiles = MACHINE_S,
    host: str = HOST,
    behave: Behave | None = None,
) -> Answer | Failed:
    sender = client(tls=tls, lookup=lambda _: ["127.0.0.1"])
    async with serving(behave or answering(), server_context) as server:
        target = server.url(host).replace("http://", "https://")
        outcome = await sender.send(post(target, timeout_s=TIMEOUT_S))
        await sender.close()
    return outcome


def _trusting(authority: Authority, **more: str) -> TlsFiles:
    return TlsFiles(ca_file=str(authority.file), **more)


def test_a_good_certificate_of_an_authority_of_one_s_own(run: Run[None], authority: Authority) -> None:
    certificate = authority.issue("good", HOST, "127.0.0.1")

    async def main() -> None:
        sender = client(tls=_trusting(authority), lookup=lambda _: ["127.0.0.1"])
        async with serving(answering(), server_tls(certificate)) as server:
            for host in (HOST, "127.0.0.1"):
                for _ in range(2):
                    outcome = await sender.send(post(server.url(host), timeout_s=TIMEOUT_S))
                    assert answered(outcome).status == 200
            assert server.connections == 2
        await sender.close()

    run(main())


def test_case_14_self_signed_or_of_nobody_one_trusts(run: Run[Answer | Failed], authority: Authority) -> None:
    certificate = server_tls(authority.issue("unknown", HOST))
    failed = failure(run(_outcome(certificate)), Fault.TLS, maybe_sent=False)
    assert failed.detail.startswith("the certificate is not good: ")


def test_case_14_expired(run: Run[Answer | Failed], authority: Authority) -> None:
    certificate = server_tls(authority.issue("expired", HOST, good_for_days=-1))
    failed = failure(run(_outcome(certificate, tls=_trusting(authority))), Fault.TLS, maybe_sent=False)
    assert failed.detail == "the certificate is not good: certificate has expired"


@pytest.mark.parametrize("host", [HOST, "127.0.0.1"])
def test_case_14_of_another_host(run: Run[Answer | Failed], authority: Authority, host: str) -> None:
    certificate = server_tls(authority.issue("other", "other.test"))
    outcome = run(_outcome(certificate, tls=_trusting(authority), host=host))
    failure(outcome, Fault.TLS, maybe_sent=False)


def test_case_14_the_name_is_told_before_the_handshake_so_that_many_hosts_share_an_address(
    run: Run[Answer | Failed], authority: Authority
) -> None:
    """A server that wants the name (SNI) gets the host's, not the address that was dialled."""
    context, asked = server_tls(authority.issue("sni", HOST)), []

    def seen(_: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> None:
        asked.append(name)

    context.sni_callback = seen
    answered(run(_outcome(context, tls=_trusting(authority))))
    assert asked == [HOST]


def test_case_14_the_server_knows_no_such_name(run: Run[Answer | Failed], authority: Authority) -> None:
    context = server_tls(authority.issue("unnamed", HOST))
    context.sni_callback = lambda *_: ssl.AlertDescription.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    failure(run(_outcome(context, tls=_trusting(authority))), Fault.TLS, maybe_sent=False)


def test_case_14_tls_1_1_only(run: Run[Answer | Failed], authority: Authority) -> None:
    context = server_tls(authority.issue("old", HOST))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    failure(run(_outcome(context, tls=_trusting(authority))), Fault.TLS, maybe_sent=False)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("reads_on", [True, False])
def test_case_14_a_client_certificate_is_demanded(
    run: Run[Answer | Failed], authority: Authority, version: ssl.TLSVersion, reads_on: bool
) -> None:
    context = server_tls(authority.issue("demanding", HOST), clients_of=authority)
    context.maximum_version = version
    with refusing(context, reads_on=reads_on) as port:
        sender = client(tls=_trusting(authority), lookup=lambda _: ["127.0.0.1"])

        async def main() -> Answer | Failed:
            outcome = await sender.send(post(f"https://{HOST}:{port}/hook", timeout_s=TIMEOUT_S))
            await sender.close()
            return outcome

        outcome = run(main())
    # in TLS 1.3 the refusal comes after the handshake, when the request is on its way already
    late = version is ssl.TLSVersion.TLSv1_3
    if late and not reads_on:  # what is unread tears the connection down, and may take the reason along
        assert isinstance(outcome, Failed)
        assert outcome.fault in {Fault.TLS, Fault.RESET}
    else:
        failure(outcome, Fault.TLS, maybe_sent=late)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_certificate_is_shown(
    run: Run[Answer | Failed], authority: Authority, version: ssl.TLSVersion
) -> None:
    context = server_tls(authority.issue("asking", HOST), clients_of=authority)
    context.maximum_version = version
    ours = _trusting(authority, certificate_file=authority.issue("trackside"))
    assert answered(run(_outcome(context, tls=ours))).status == 200


def test_a_request_s_own_certificate_is_shown_with_it_alone(run: Run[None], authority: Authority) -> None:
    """Whoever is asked by somebody else meanwhile does not get it, though a connection is kept."""
    context = server_tls(authority.issue("strict", HOST), clients_of=authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    ours = _trusting(authority, certificate_file=authority.issue("ours"))

    async def main() -> None:
        sender = client(tls=_trusting(authority), lookup=lambda _: ["127.0.0.1"])
        async with serving(answering(), context) as server:
            plain = post(server.url(HOST), timeout_s=TIMEOUT_S)
            with_ours = replace(plain, tls=ours)
            for _ in range(2):
                assert answered(await sender.send(with_ours)).status == 200
            assert isinstance(await sender.send(plain), Failed)
            assert answered(await sender.send(with_ours)).status == 200
            assert server.connections == 1
        await sender.close()

    run(main())


def test_a_request_s_own_file_that_is_gone_is_our_fault(
    run: Run[Answer | Failed], authority: Authority
) -> None:
    gone = _trusting(authority, certificate_file="/no/such/file.pem")

    async def main() -> Answer | Failed:
        sender = client(lookup=lambda _: ["127.0.0.1"])
        async with serving(answering(), server_tls(authority.issue("kept", HOST))) as server:
            outcome = await sender.send(replace(post(server.url(HOST), timeout_s=TIMEOUT_S), tls=gone))
        await sender.close()
        return outcome

    assert failure(run(main()), Fault.LOCAL, maybe_sent=False).is_ours


@pytest.mark.parametrize("text", [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""])
def test_case_14_a_server_without_tls_gets_nothing_in_the_clear(
    run: Run[Answer | Failed], text: bytes
) -> None:
    got: list[bytes] = []

    async def behave(connection: Connection) -> None:
        got.append(await connection.reader.read(65_536))
        await connection.send(text)

    failure(run(_outcome(None, behave=behave)), Fault.TLS, maybe_sent=False)
    assert b"/hook" not in got[0]


def test_case_14_torn_down_instead_of_a_handshake(run: Run[Answer | Failed]) -> None:
    async def behave(connection: Connection) -> None:
        await connection.reader.read(65_536)
        connection.reset()

    failure(run(_outcome(None, behave=behave)), Fault.TLS, maybe_sent=False)


def test_a_handshake_that_never_ends_ends_at_the_deadline(run: Run[Any]) -> None:
    async def main() -> None:
        async def behave(connection: Connection) -> None:
            await connection.reader.read()

        sender = client(lookup=lambda _: ["127.0.0.1"])
        async with serving(behave) as server:
            outcome = await sender.send(post(server.url(HOST).replace("http", "https")))
            failure(outcome, Fault.TIMEOUT, maybe_sent=False)
        await sender.close()

    run(main())


def test_the_machine_s_authorities_are_loaded_once_and_old_versions_refused() -> None:
    assert tls_context() is system_tls() is tls_context()
    assert system_tls().minimum_version is ssl.TLSVersion.TLSv1_2
    assert system_tls().verify_mode is ssl.CERT_REQUIRED
    assert system_tls().check_hostname


def test_files_that_cannot_be_used_are_told(tmp_path: Path, authority: Authority) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    missing = str(tmp_path / "missing.pem")
    for files in (
        {"ca_file": missing},
        {"ca_file": str(empty)},
        {"certificate_file": missing},
        {"certificate_file": str(empty)},
        {"certificate_file": str(authority.file)},
        {"certificate_file": authority.issue("keyless"), "key_file": missing},
    ):
        with pytest.raises(ConfigurationError, match="cannot be used"):
            tls_context(**files)


def test_files_that_cannot_be_used_are_told_when_a_client_is_made(client_class: type[object]) -> None:
    with pytest.raises(ConfigurationError, match="cannot be used"):
        client(tls=TlsFiles(ca_file="/nowhere/ca.pem"))


@pytest.mark.parametrize("client_class", ["curl"], indirect=True)
def test_the_machine_s_authorities_are_those_of_the_ssl_module(
    run: Run[Answer | Failed], authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not those of the machine that curl was built on."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    certificate = server_tls(authority.issue("machine", HOST))
    assert answered(run(_outcome(certificate))).status == 200


@pytest.mark.parametrize("client_class", ["curl"], indirect=True)
def test_files_that_vanish_later_are_our_own_fault(
    run: Run[Answer | Failed], authority: Authority, tmp_path: Path
) -> None:
    ours = tmp_path / "ours.pem"
    ours.write_bytes(Path(authority.issue("vanishing")).read_bytes())
    tls = _trusting(authority, certificate_file=str(ours))

    async def main() -> Answer | Failed:
        sender = client(tls=tls, lookup=lambda _: ["127.0.0.1"])
        ours.unlink()
        async with serving(answering(), server_tls(authority.issue("here", HOST))) as server:
            outcome = await sender.send(post(server.url(HOST), timeout_s=TIMEOUT_S))
            await sender.close()
        return outcome

    failure(run(main()), Fault.LOCAL, maybe_sent=False)
