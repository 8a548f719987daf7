"""What a request costs inside the server, without sockets: `python -m benchmarks.request_path`.

Requests go straight into the connection's protocol and answers into a counter, 64 connections by turns, so that
neither the network nor the load generator is in the numbers. `--profile` tells where the time goes.
"""

import argparse
import asyncio
import cProfile
import gc
import pstats
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from benchmarks.lib import events, scratch
from benchmarks.lib.report import Table, number
from benchmarks.lib.servers import AUTHORIZATION, WRITE_KEY
from benchmarks.limit.app import app
from trackside import hub
from trackside.config.settings import Config
from trackside.event import Batch
from trackside.log.base import Committed, Log, Receipt
from trackside.log.sqlite import SQLiteLog
from trackside.server.body import Buffers
from trackside.server.client import ClientAddress
from trackside.server.collector import Collector
from trackside.server.connection import Connection
from trackside.sources.segment_api import SegmentApi

CONNECTIONS = 64
COUNT = 6_400
ROUNDS = 6
PAUSE_S = 0.001


class Answers(asyncio.Transport):
    """A transport that counts what would be sent."""

    written = refused = 0

    def write(self, data: Any) -> None:
        self.written += 1
        self.refused += bytes(data).startswith(b"HTTP/1.1") and not bytes(data).startswith(b"HTTP/1.1 200")

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing is behind it."""

    pause_reading = resume_reading = close

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name in {"peername", "sockname"} else default


class Forgetful:
    """A log that keeps nothing: what is left is the cost of everything else."""

    def commit_now(self, batches: Sequence[Batch]) -> Sequence[Receipt]:
        return [Committed(len(batch.events), 0, 1) for batch in batches]


def requests(batch: int) -> list[bytes]:
    """Return all events as requests, each event under an id of its own."""
    calls = events.generate(COUNT, seed=1, now=datetime.now(UTC))
    bodies = [events.compact(call).replace(events.MESSAGE_ID, str(uuid4())) for call in calls]
    if batch > 1:
        groups = (bodies[start : start + batch] for start in range(0, COUNT, batch))
        bodies = ['{"batch":[' + ",".join(group) + "]}" for group in groups]
    path = "/v1/batch" if batch > 1 else "/v1/track"
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{AUTHORIZATION}\r\nContent-Type: application/json\r\n"
    return [f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode() for body in bodies]


def protocol(log: Log | Forgetful | None) -> Callable[[], HttpToolsProtocol]:
    """Return what makes connections: the limit's where there is no log, otherwise Trackside's on that log."""
    made: type[HttpToolsProtocol] = HttpToolsProtocol
    if log is not None:
        config = Config()
        source = SegmentApi({WRITE_KEY: "web"}, limits=config.limits, public_url="")
        collector = Collector(
            source,
            hub.build_pipeline(config, log),  # type: ignore[arg-type]
            addresses=ClientAddress(config.trusted_proxies),
            body_limit=config.limits.body_bytes,
            buffers=Buffers(1 << 30),
        )
        made = type("Made", (Connection,), {"collector": collector, "collects": staticmethod(source.handles)})
    settings = uvicorn.Config(
        app, http=made, ws="none", lifespan="off", log_config=None, server_header=False, proxy_headers=False
    )
    settings.load()
    state = ServerState()
    return lambda: made(settings, state, {}, asyncio.get_running_loop())


async def cost_us(
    connect: Callable[[], HttpToolsProtocol], batch: int, profile: cProfile.Profile | None
) -> float:
    """Return the CPU of the whole process per event, the best of some rounds."""
    connections = [connect() for _ in range(CONNECTIONS)]
    transports = [Answers() for _ in connections]
    for connection, transport in zip(connections, transports, strict=True):
        connection.connection_made(transport)
    spent = []
    for _ in range(ROUNDS):
        waiting = requests(batch)
        gc.collect()
        before = time.process_time()
        if profile:
            profile.enable()
        for start in range(0, len(waiting), CONNECTIONS):
            turn = waiting[start : start + CONNECTIONS]
            for connection, request in zip(connections, turn, strict=False):
                connection.data_received(request)
            await asyncio.sleep(0)
            while not all(connection.cycle.response_complete for connection in connections[: len(turn)]):  # noqa: ASYNC110
                await asyncio.sleep(PAUSE_S)
        if profile:
            profile.disable()
        spent.append((time.process_time() - before) / COUNT * 1e6)
    if refused := sum(transport.refused for transport in transports):
        raise SystemExit(f"{refused} requests were not answered 200")
    return min(spent)


async def run(profile: cProfile.Profile | None) -> Table:
    """Measure all cases and return the table."""
    rows = []
    for batch in (1, 50):
        with scratch.folder() as place:
            sqlite = SQLiteLog(place, Config().log)
            try:
                cases = {
                    "limit": None,
                    "trackside, nothing is kept": Forgetful(),
                    "trackside, sqlite": sqlite,
                }
                for name, log in cases.items():
                    watched = profile if log is not None else None
                    rows.append((name, str(batch), number(await cost_us(protocol(log), batch, watched))))
            finally:
                sqlite.close()
    return Table("In the server, without sockets", ("what", "events a request", "CPU µs/event"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what a request costs inside the server.")
    parser.add_argument(
        "--profile", action="store_true", help="also print what takes the time in the event loop"
    )
    profile = cProfile.Profile() if parser.parse_args().profile else None
    print(uvloop.run(run(profile)).markdown())
    if profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(40)


if __name__ == "__main__":
    main()
