"""Cases 15 to 17: names that lead nowhere, names and addresses that lead astray, URLs that are none.

The system's resolver is asked; what it says to names of `.test` is told by the test.
"""

import socket
import threading
from pathlib import Path

import pytest

from tests.faults.cases.delivering import BUSY_S, TIMEOUT_S, Addresses, Delivering, Names, endpoint
from tests.outbound.servers import answering, saying, serving_in_a_thread
from trackside import hub
from trackside.errors import ConfigurationError
from trackside.telemetry import catalogue

pytestmark = pytest.mark.faults

CLOSING = saying(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
NOWHERE: dict[str, Addresses] = {
    "nxdomain": socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
    "servfail": socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
    "failure": socket.gaierror(socket.EAI_FAIL, "Non-recoverable failure in name resolution"),
    "loop": OSError("a loop of aliases"),
    "empty": (),
}


@pytest.mark.usefixtures("each_client")
def test_15_a_name_that_leads_nowhere(tmp_path: Path, names: Names) -> None:
    """Each fails at once as `unresolved`, is tried again, and the others' events go meanwhile."""
    names.answers.update(
        {f"{name}.test": said for name, said in NOWHERE.items()}, **{"good.test": ["127.0.0.1"]}
    )
    with serving_in_a_thread(answering()) as server:
        endpoints = {
            name: endpoint(server.url(f"{name}.test"), retry_schedule_s=(60.0,))
            for name in [*NOWHERE, "good"]
        }
        with Delivering(tmp_path, **endpoints) as delivering:
            delivering.send(1)
            delivering.until_delivered(1, "good")
            for name in NOWHERE:
                (attempt,) = delivering.has_tried(1, 1, name)
                assert (attempt.outcome, attempt.fault) == ("failed", "unresolved"), name
                assert attempt.duration_s < TIMEOUT_S
                delivering.until(lambda state: state.retrying == 1, name)


@pytest.mark.usefixtures("each_client")
def test_15_a_resolver_that_hangs(tmp_path: Path, names: Names) -> None:
    """A name that takes 30 s fails when the request's time is up, and no other endpoint waits for it."""
    release = threading.Event()

    def hang() -> list[str]:
        release.wait(30)
        return ["127.0.0.1"]

    names.answers.update({"slow.test": hang, "good.test": ["127.0.0.1"]})
    with serving_in_a_thread(answering()) as server:
        endpoints = {name: endpoint(server.url(f"{name}.test")) for name in ("slow", "good")}
        try:
            with Delivering(tmp_path, **endpoints) as delivering:
                delivering.send(*range(1, 21))
                delivering.until_delivered(20, "good")
                (slow, *_) = delivering.has_tried(1, 1, "slow")
                good = delivering.tried(name="good")
                release.set()
                delivering.until_delivered(20, "slow")
        finally:
            release.set()
    assert slow.fault == "timeout"
    assert TIMEOUT_S * 0.9 <= slow.duration_s <= TIMEOUT_S * 1.1 + BUSY_S
    assert (good[-1].began_at - good[0].began_at).total_seconds() < TIMEOUT_S
    assert names.asked.count("slow.test") == 1


@pytest.mark.usefixtures("each_client")
def test_16_a_name_that_is_bound_to_another_address(tmp_path: Path, names: Names) -> None:
    """What led to a good address when it was saved, and once was delivered to, is judged at each dial."""
    leads = [["127.0.0.1"], ["169.254.169.254"]]
    names.answers["rebinding.test"] = lambda: leads[0]
    refused = catalogue.OUTBOUND_REFUSED_ADDRESSES.value()
    with serving_in_a_thread(CLOSING) as server:
        settings = endpoint(server.url("rebinding.test"), allow_private_networks=False, allow=("127.0.0.1",))
        with Delivering(tmp_path, crm=settings) as delivering:
            delivering.send(1)
            delivering.until_delivered(1)
        leads.pop(0)
        with Delivering(tmp_path, crm=settings) as delivering:  # what was known of the name is forgotten
            delivering.send(2)
            attempt = delivering.has_tried(1, 2)[0]
            state = delivering.until(lambda state: state.last_error is not None)
        assert server.connections == 1
    assert (attempt.outcome, attempt.fault) == ("not_asked", "refused_address")
    assert state.last_error is not None
    assert state.last_error.startswith("url must not be asked: ")
    assert (state.position, state.delivered, state.retrying, state.dead) == (1, 1, 0, 0)
    assert catalogue.OUTBOUND_REFUSED_ADDRESSES.value() == refused + 1


BAD = ("10.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::1")


@pytest.mark.usefixtures("each_client")
def test_16_good_addresses_and_a_bad_one(tmp_path: Path, names: Names) -> None:
    """One that is not allowed is enough, wherever it stands; each is kept as an attempt and counted."""
    refused = catalogue.OUTBOUND_REFUSED_ADDRESSES.value()
    names.answers.update({f"before{n}.test": [bad, "127.0.0.1"] for n, bad in enumerate(BAD)})
    names.answers.update({f"behind{n}.test": ["127.0.0.1", bad] for n, bad in enumerate(BAD)})
    with serving_in_a_thread(answering()) as server:
        endpoints = {
            host.removesuffix(".test"): endpoint(
                server.url(host), allow_private_networks=False, allow=("127.0.0.1",)
            )
            for host in names.answers
        }
        with Delivering(tmp_path, **endpoints) as delivering:
            delivering.send(1)
            for name in endpoints:
                (attempt,) = delivering.has_tried(1, 1, name)
                assert (attempt.outcome, attempt.fault) == ("not_asked", "refused_address"), name
        assert server.connections == 0
    assert catalogue.OUTBOUND_REFUSED_ADDRESSES.value() == refused + 2 * len(BAD)


LITERALS = (
    *("127.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "127.0.0.1.", "localhost"),
    *("[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "0.0.0.0", "[::]"),
    *("169.254.169.254", "168.63.129.16", "100.100.100.200"),
)


@pytest.mark.usefixtures("each_client")
def test_16_addresses_in_odd_spellings(tmp_path: Path) -> None:
    """None is asked, each operator is told why, each is counted, and nothing is lost."""
    refused = catalogue.OUTBOUND_REFUSED_ADDRESSES.value()
    with serving_in_a_thread(answering()) as server:
        endpoints = {
            f"e{number}": endpoint(server.url(host), allow_private_networks=False)
            for number, host in enumerate(LITERALS)
        }
        with Delivering(tmp_path, **endpoints) as delivering:
            delivering.send(1)
            for name, settings in endpoints.items():
                state = delivering.until(lambda state: state.last_error is not None, name)
                assert state.last_error is not None
                assert state.last_error.startswith("url must not be asked: "), settings.url
                assert (state.position, state.delivered, state.dead) == (0, 0, 0)
        assert server.connections == 0
    assert catalogue.OUTBOUND_REFUSED_ADDRESSES.value() >= refused + len(LITERALS)


WRONG_URLS = (
    *("https://user:hunter2@hooks.test/hook", "https://hooks.test/hook#part", "https://hooks.test:22/hook"),
    *("https://hooks.test:25/hook", "https://hooks.test/hook\r\nX: y", "https://ho oks.test/hook", ""),
    *("https://hooks.test/" + "a" * 2_048, "ftp://hooks.test/hook"),
)
TOML_OF = '[sources.web]\nkind = "segment"\nwrite_key = "k"\n[destinations.crm]\nkind = "webhook"\n'


def quoted(text: str) -> str:
    return '"' + text.replace("\r", "\\r").replace("\n", "\\n") + '"'


def saved(folder: Path, text: str) -> None:
    """Save a configuration; raises ConfigurationError."""
    path = folder / "trackside.toml"
    path.write_text(TOML_OF + text)
    hub.load_config(path, environ={})


def test_17_a_url_that_is_none(tmp_path: Path, names: Names) -> None:
    """It is refused where it is saved; and where it came in another way, nothing is sent: not a name is looked up."""
    names.answers["hooks.test"] = ["127.0.0.1"]
    for url in WRONG_URLS:
        with pytest.raises(ConfigurationError, match=r"destinations\.crm.*url") as told:
            saved(tmp_path, f"url = {quoted(url)}\n")
        assert "hunter2" not in str(told.value)
    endpoints = {f"e{number}": endpoint(url) for number, url in enumerate(WRONG_URLS)}
    with Delivering(tmp_path, **endpoints) as delivering:
        delivering.send(1)
        for name in endpoints:
            state = delivering.until(lambda state: state.last_error is not None, name)
            assert (state.position, state.delivered, state.dead) == (0, 0, 0)
            assert delivering.tried(name=name) == []
    assert names.asked == []


def test_17_a_line_break_in_the_value_of_a_header(tmp_path: Path) -> None:
    """It is refused where it is saved, and where a destination is made of such settings."""
    with pytest.raises(ConfigurationError, match="headers"):
        saved(tmp_path, 'url = "https://hooks.test/hook"\nheaders = { "X-A" = "a\\r\\nX-B: b" }\n')
    with pytest.raises(ConfigurationError, match=r"destinations\.crm"):
        Delivering(tmp_path, crm=endpoint("https://hooks.test/hook", headers={"X-A": "a\r\nX-B: b"}))


def test_17_a_name_in_other_letters(tmp_path: Path, names: Names) -> None:
    """It is no fault: it is asked for in the letters of the DNS, and delivered to."""
    names.answers["xn--bcher-kva.test"] = ["127.0.0.1"]
    with (
        serving_in_a_thread(answering()) as server,
        Delivering(tmp_path, crm=endpoint(server.url("bücher.test"))) as delivering,
    ):
        delivering.send(1)
        delivering.until_delivered(1)
    assert names.asked == ["xn--bcher-kva.test"]
