"""The client of callers who wait, under gevent: they wait alone."""

import subprocess
import sys
from pathlib import Path

import pytest

PATCH = "from gevent import monkey; monkey.patch_all()"
CLIENT = """
import asyncio, os, sys, time
from trackside.outbound.base import Answer, Fault, Outgoing
from trackside.outbound.blocking import BlockingClient
from trackside.outbound.policy import AddressPolicy
client = BlockingClient(policy=AddressPolicy(allow_private_networks=True))
"""
REQUESTS = """
import gevent
from gevent.server import StreamServer

def receive(peer, _):
    while said := peer.recv(65536):
        gevent.sleep(30 if b"/never" in said else 0.2 if b"/slow" in said else 0)
        peer.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}")

def ask(path, budget_s=5):
    url = f"http://localhost:{server.server_port}{path}"
    return client.ask([Outgoing(url=url, body=b"{}", timeout_s=9, headers=())], budget_s=budget_s)[0]

def tick():
    global ticks
    while True:
        ticks += 1
        gevent.sleep(0.01)

ticks = 0
server = StreamServer(("127.0.0.1", 0), receive)
server.start()
gevent.spawn(tick)
assert ask("/").status == 200
before, began = ticks, time.monotonic()
late = ask("/never", budget_s=0.5)
assert late.fault == Fault.TIMEOUT and time.monotonic() - began < 2, late
assert ticks - before > 10, "it held up the others"
began = time.monotonic()
asked = [gevent.spawn(ask, "/slow") for _ in range(20)]
gevent.joinall(asked, raise_error=True)
assert [each.value.status for each in asked] == [200] * 20
assert time.monotonic() - began < 0.2 * 15, "one after the other"
given_up = gevent.spawn(ask, "/never")
gevent.sleep(0.1)
given_up.kill(timeout=1)
assert given_up.ready()
try:
    asyncio.get_running_loop()
except RuntimeError:
    pass
else:
    sys.exit("a loop runs here, as Django sees it")
if not os.fork():
    assert ask("/").status == 200
    os._exit(7)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 7
print("all is well")
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_other_greenlets_go_on(tmp_path: Path, when: str) -> None:
    """The world is patched before the client is made, or after. Who is killed ends at once; a child begins anew."""
    pytest.importorskip("gevent", reason="gevent is not installed")
    order = (PATCH, CLIENT) if when == "before" else (CLIENT, PATCH)
    result = subprocess.run(
        [sys.executable, "-c", "\n".join((*order, REQUESTS))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
    )
    assert result.stdout == "all is well\n", result.stderr
