"""Receivers that want to know by a certificate who asks: each hook shows its own, and nobody else's."""

import json
import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.outbound.certificates import Authority, server_tls
from tests.outbound.servers import Server, serving_in_a_thread
from tests.webfilters.test_over_http import Kept, saying
from tests.webfilters.tools import DATA, ENROLLMENT, Asked, changes, hook, says
from trackside.outbound.blocking import BlockingClient
from trackside.outbound.policy import AddressPolicy
from trackside.webfilters import Hook, Webfilters, problems


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def demanding(authority: Authority) -> Iterator[Server]:
    """Return a receiver that talks only to whom the authority knows."""
    context = server_tls(authority.issue("receiver", "127.0.0.1"), clients_of=authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    answer = json.dumps({"data": {"mode": "verified"}}).encode()
    with serving_in_a_thread(saying(answer), context) as server:
        yield server


@pytest.mark.parametrize("kind", ["curl", "aiohttp"])
def test_a_receiver_that_demands_a_certificate(
    demanding: Server, authority: Authority, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Side by side with a hook that has none, and fails by its policy."""
    if kind == "curl":
        pytest.importorskip("pycurl")
    monkeypatch.setenv("TRACKSIDE_HTTP_CLIENT", kind)
    asker, kept = BlockingClient(policy=AddressPolicy(allow=["127.0.0.0/8"])), Kept()
    ours = authority.issue("us")
    whole = Path(ours).read_text()
    key, certificate = whole[: whole.index("-----BEGIN CERT")], whole[whole.index("-----BEGIN CERT") :]
    (authority.file.parent / "us.key").write_text(key)
    (authority.file.parent / "us.crt").write_text(certificate)
    trusting = {"url": demanding.url(), "tls_ca_file": str(authority.file), "failure_cache_s": 0}
    hooks = [
        hook("nobody", order=0, **trusting),
        hook("one_file", order=1, tls_certificate_file=ours, **trusting),
        hook(
            "two_files",
            order=2,
            tls_certificate_file=str(authority.file.parent / "us.crt"),
            tls_key_file=str(authority.file.parent / "us.key"),
            **trusting,
        ),
    ]
    webfilters = Webfilters(hooks, asker=asker, auditor=kept)
    for _ in range(2):
        assert webfilters.ask(ENROLLMENT, DATA).changes == {"mode": "verified"}
        nobody, one, two = kept.questions[-1].hooks
        assert (nobody.outcome, nobody.fail_open) == ("failed", True)
        assert (one.outcome, two.outcome, two.status) == ("changed", "passed", 200)
    asker.close()


def test_the_token_is_asked_for_with_it_too(authority: Authority) -> None:
    asked = Asked(
        hook(
            tls_certificate_file=authority.issue("token"),
            oauth_token_url="https://hooks.example.org/token",
            oauth_client_id="us",
        ),
        token=says({"access_token": "x", "token_type": "Bearer"}),
        crm=changes(mode="x"),
    )
    assert asked.ask().changes == {"mode": "x"}
    fetched, sent = asked.receivers.requests
    assert fetched.tls is not None
    assert fetched.tls == sent.tls


@pytest.mark.parametrize(
    ("settings", "begins"),
    [
        ({"tls_ca_file": "/no/such.pem"}, ["tls_ca_file: ca_file '/no/such.pem' cannot be used"]),
        ({"tls_certificate_file": "/no/such.pem"}, ["tls_certificate_file: certificate_file"]),
        ({"tls_key_file": "/no/such.pem"}, ["tls_key_file is given without tls_certificate_file"]),
    ],
)
def test_files_that_cannot_be_used_are_told(settings: dict[str, str], begins: Sequence[str]) -> None:
    """Such a hook is asked by nobody, and fails by its policy."""
    broken = hook(on_failure="fail_closed", **settings)
    told = list(problems(broken, ENROLLMENT))
    assert len(told) == len(begins)
    assert all(sentence.startswith(begin) for sentence, begin in zip(told, begins, strict=True))
    asked = Asked(broken)
    assert asked.stopped() is not None
    assert asked.receivers.requests == []


def test_without_files_the_machine_s_authorities_are_trusted() -> None:
    assert Hook(name="x", point="x", url="https://hooks.example.org/").tls is None
