"""The cases of deliveries that a question can meet: each is a failure by its hook's policy, within the budget.

All receivers are asked at once, each by a hook that passes a failure over and by one in shadow that would halt.
"""

import asyncio
import gzip
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from tests.faults.cases.delivering import Names
from tests.faults.cases.test_01_to_10_what_a_receiver_answers import torn_after
from tests.outbound.certificates import Authority, server_tls
from tests.outbound.servers import (
    Behave,
    Connection,
    dripping,
    flooding,
    hang,
    saying,
    serving_in_a_thread,
)
from tests.webfilters.test_over_http import Kept
from tests.webfilters.tools import DATA, ENROLLMENT, hook
from trackside.outbound.blocking import BlockingClient
from trackside.outbound.policy import AddressPolicy
from trackside.webfilters import HookRecord, Rules, Webfilters

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("each_client")]

BUDGET_S = 1.5
LATE_S = 3.0
HEAD = b"HTTP/1.1 200 OK\r\n"
NO_BODY = b"Content-Length: 0\r\n\r\n"
CUT = "the answer is too long, or broke off"
BOMB = gzip.compress(bytes(2_000_000), 9) * 40


def status(line: str, *headers: str) -> Behave:
    return saying("\r\n".join([f"HTTP/1.1 {line}", *headers, "Content-Length: 0", "", ""]).encode())


async def drip_body(connection: Connection) -> None:
    await connection.request()
    await connection.send(HEAD + b"Content-Length: 999\r\n\r\n{}")
    for _ in range(900):
        await connection.send(b" ")
        await asyncio.sleep(0.05)


async def go_on(connection: Connection) -> None:
    await connection.request()
    while True:
        await connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await asyncio.sleep(0.01)


ANSWERS: Mapping[str, tuple[Behave, str | None]] = {
    "01_silence": (hang, "timeout: "),
    "02_head_drips": (dripping(HEAD + b"X: y\r\n" * 99, every_s=0.2), "timeout: "),
    "03_body_drips": (drip_body, CUT),
    "04_no_end": (flooding(HEAD + b"Content-Length: 8000000000\r\n\r\n", b"x" * 65_536, []), CUT),
    "05_bomb": (
        saying(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB),
        CUT,
    ),
    "05_packed": (
        saying(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx"),
        "the answer is encoded",
    ),
    "06_long_head": (flooding(HEAD + b"X-A: ", b"y" * 65_536, []), "protocol_error: "),
    "07_torn": (torn_after(b""), "reset: "),
    "07_closed": (saying(b""), "closed: "),
    "07_cut": (saying(HEAD + b"Content-Length: 9\r\n\r\n{}"), CUT),
    "07_cut_500": (saying(b"HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\n{}"), "it answered 500"),
    "08_noise": (saying(b"\x00\x01\x02\x03\r\n\r\n"), "protocol_error: "),
    "08_http_0_9": (saying(b"<html>HTTP/0.9</html>\r\n"), "protocol_error: "),
    "08_continue": (go_on, "timeout: "),
    "09_redirect": (
        status("307 Elsewhere", "Location: http://169.254.169.254/latest/meta-data"),
        "it answered 307, which is no answer here; redirects are not followed",
    ),
    "10_no_content": (saying(b"HTTP/1.1 204 No Content\r\n\r\n"), None),
    "10_reset_content": (status("205 Reset Content"), None),
    "10_empty": (status("200 OK"), None),
    "11_gone": (status("410 Gone"), "it answered 410"),
    "12_too_many": (status("429 Too Many", "Retry-After: 999999999"), "it answered 429"),
    "12_busy": (status("503 Busy", "Retry-After: -1"), "it answered 503"),
    "13_not_found": (status("404 Not Found"), "it answered 404"),
}
"""What a receiver does, and how the reason begins that the audit has; None: it lets go on."""


def asked(urls: Mapping[str, str], policy: AddressPolicy) -> Iterator[tuple[str, HookRecord, HookRecord]]:
    """Ask all at once; yield each with the record of its hook, and of the one that would halt."""
    kept, client = Kept(), BlockingClient(policy=policy)
    more: dict[str, Any] = {"kind": "decider", "timeout_s": 1.2}
    hooks = [
        each
        for name, url in urls.items()
        for each in (
            hook(name, url=url, **more),
            hook(f"{name}-closed", url=url, mode="shadow", on_failure="fail_closed", **more),
        )
    ]
    webfilters = Webfilters(hooks, asker=client, auditor=kept, rules=Rules(budget_s=BUDGET_S))
    began_s = time.monotonic()
    assert webfilters.ask(ENROLLMENT, DATA).data is DATA
    assert time.monotonic() - began_s < BUDGET_S + LATE_S
    client.close()
    [question] = kept.questions
    records = {record.hook: record for record in question.hooks}
    for name in urls:
        yield name, records[name], records[f"{name}-closed"]


def test_what_a_receiver_answers() -> None:
    """Cases 1 to 13: nothing of it is an exception, or takes longer than the budget."""
    with ExitStack() as stack:
        urls = {
            name: stack.enter_context(serving_in_a_thread(behave)).url()
            for name, (behave, _) in ANSWERS.items()
        }
        for name, open_, closed in asked(urls, AddressPolicy(allow=["127.0.0.0/8"])):
            reason = ANSWERS[name][1]
            told = (open_.outcome, (open_.reason or "")[: len(reason or "")], open_.fail_open, closed.halts)
            assert told == (("failed", reason, True, True) if reason else ("passed", "", False, False)), name


def test_who_cannot_prove_who_it_is_and_who_asks_us_to(authority: Authority) -> None:
    """Case 14: nothing is sent to it."""
    demanding = server_tls(authority.issue("demanding", "127.0.0.1"), clients_of=authority)
    demanding.maximum_version = ssl.TLSVersion.TLSv1_2
    contexts = {"nobody": server_tls(authority.issue("nobody", "127.0.0.1")), "demanding": demanding}
    heard: list[bytes] = []

    async def hear(connection: Connection) -> None:
        heard.append((await connection.request())[0])

    with ExitStack() as stack:
        urls = {
            name: stack.enter_context(serving_in_a_thread(hear, context)).url()
            for name, context in contexts.items()
        }
        for name, open_, closed in asked(urls, AddressPolicy(allow=["127.0.0.0/8"])):
            assert (open_.reason or "").startswith("tls_error: "), name
            assert closed.halts
    assert heard == []


def test_where_a_url_leads(names: Names) -> None:
    """Cases 15 to 17: names that lead nowhere, late or astray, addresses in any notation, URLs that are none."""
    release = threading.Event()

    def late() -> list[str]:
        release.wait(30)
        return ["93.184.216.34"]

    names.answers.update(
        {
            "nowhere.test": (),
            "late.test": late,
            "mixed.test": ["93.184.216.34", "169.254.169.254"],
            "inside.test": ["10.0.0.1"],
        }
    )
    refused, broken = "refused_address: ", "the hook cannot be used: url cannot be asked: "
    expected = {
        "http://nowhere.test/": "unresolved: ",
        "http://late.test/": "timeout: ",
        "http://mixed.test/": refused,
        "http://inside.test/": refused,
        "http://169.254.169.254/latest/meta-data": refused,
        "http://[::ffff:127.0.0.1]/": refused,
        "http://[64:ff9b::7f00:1]/": refused,
        "http://localhost/": refused,
        "http://93.184.216.34:22/": broken,
        "http://2130706433/": broken,
        "http://user:password@example.org/": broken,
        "ftp://example.org/": broken,
    }
    urls = {f"hook-{number}": url for number, url in enumerate(expected)}
    for name, open_, closed in asked(urls, AddressPolicy()):
        assert (open_.reason or "").startswith(expected[urls[name]]), (urls[name], open_.reason)
        assert (open_.outcome, open_.fail_open, closed.halts) == ("failed", True, True), urls[name]
    release.set()
