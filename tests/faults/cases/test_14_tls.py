"""Case 14: a receiver that cannot prove who it is, or speaks another TLS, gets nothing: not in the clear either."""

import ssl
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.faults.cases.delivering import Delivering, Names, endpoint
from tests.outbound.certificates import Authority, server_tls
from tests.outbound.servers import OK, Behave, Connection, answering, refusing, serving_in_a_thread

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("each_client")]

HOST = "hooks.test"
Heard = list[bytes]


def hearing(heard: Heard) -> Behave:
    """Keep what is said, whatever it is, and answer that all is well."""

    async def behave(connection: Connection) -> None:
        while text := await connection.reader.read(65_536):
            heard.append(text)
            await connection.send(OK)

    return behave


def self_signed(authority: Authority) -> ssl.SSLContext:
    return server_tls(Authority(authority.file.parent, "stranger").issue("stranger-s", HOST))


def expired(authority: Authority) -> ssl.SSLContext:
    return server_tls(authority.issue("expired", HOST, good_for_days=-1))


def of_another_host(authority: Authority) -> ssl.SSLContext:
    return server_tls(authority.issue("other", "other.test"))


def without_such_a_name(authority: Authority) -> ssl.SSLContext:
    context = server_tls(authority.issue("unnamed", HOST))
    context.sni_callback = lambda *_: ssl.AlertDescription.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    return context


def of_tls_1_1(authority: Authority) -> ssl.SSLContext:
    context = server_tls(authority.issue("old", HOST))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


BAD: tuple[Callable[[Authority], ssl.SSLContext], ...] = (
    self_signed,
    expired,
    of_another_host,
    without_such_a_name,
    of_tls_1_1,
)


@contextmanager
def demanding(authority: Authority, version: ssl.TLSVersion) -> Iterator[int]:
    """Run a server that wants a certificate of its clients."""
    context = server_tls(authority.issue(f"demanding-{version.name}", HOST), clients_of=authority)
    context.maximum_version = version
    with refusing(context, reads_on=True) as port:
        yield port


def test_14_a_receiver_whose_tls_is_not_good(tmp_path: Path, authority: Authority, names: Names) -> None:
    """Each is a `tls_error` and tried again; none hears a word, and the good one has every event."""
    names.answers[HOST] = ["127.0.0.1"]
    heard: Heard = []
    settings: dict[str, Any] = {"tls_ca_file": str(authority.file), "timeout_s": 5.0}
    with ExitStack() as stack:
        ports = {
            make.__name__: stack.enter_context(serving_in_a_thread(hearing(heard), make(authority))).port
            for make in BAD
        }
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            ports[f"demanding_{version.value}"] = stack.enter_context(demanding(authority, version))
        good = stack.enter_context(
            serving_in_a_thread(answering(), server_tls(authority.issue("good", HOST)))
        )
        ports["good"] = good.port
        endpoints = {
            name: endpoint(f"https://{HOST}:{port}/hook", **settings, retry_schedule_s=(60.0,))
            for name, port in ports.items()
        }
        delivering = stack.enter_context(Delivering(tmp_path, **endpoints))
        delivering.send(1)
        for name in ports:
            (attempt,) = delivering.has_tried(1, 1, name)
            if name == "good":
                assert attempt.outcome == "delivered"
                continue
            assert (attempt.outcome, attempt.fault, attempt.status) == ("failed", "tls_error", None), name
            state = delivering.until(lambda state: state.retrying == 1, name)
            assert (state.delivered, state.dead) == (0, 0)
    assert heard == []


def test_14_a_receiver_without_tls(tmp_path: Path, authority: Authority, names: Names) -> None:
    """What speaks plain HTTP on the port is not spoken to in plain HTTP, however often it is tried."""
    names.answers[HOST] = ["127.0.0.1"]
    heard: Heard = []
    with serving_in_a_thread(hearing(heard)) as server:
        url = f"https://{HOST}:{server.port}/hook"
        with Delivering(
            tmp_path, crm=endpoint(url, tls_ca_file=str(authority.file), retry_schedule_s=(0.1,))
        ) as delivering:
            delivering.send(1)
            delivering.until(lambda state: state.dead == 1)
            attempts = delivering.tried(1)
    assert [each.fault for each in attempts] == ["tls_error"] * 2
    assert heard
    assert not any(b"/hook" in each or b"Lesson" in each for each in heard)
