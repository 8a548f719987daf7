"""One process of the server: it collects, delivers, or does both."""

import asyncio
import contextlib
import enum
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import uvicorn

from trackside import hub
from trackside.attempts.base import AttemptStore
from trackside.config.settings import Config
from trackside.console import live
from trackside.django.webhooks import surroundings
from trackside.log.base import Log
from trackside.loops import fast_loop
from trackside.server.body import Buffers
from trackside.server.client import ClientAddress
from trackside.server.collector import Collector
from trackside.server.connection import Connection
from trackside.server.front import Front
from trackside.server.heads import KnownHeads
from trackside.server.housekeeping import Housekeeping
from trackside.server.numbers import Numbers
from trackside.server.probes import Readiness, probes
from trackside.server.site.accounts import SiteUsers
from trackside.server.site.boot import Gate
from trackside.telemetry import catalogue

logger = logging.getLogger("trackside.server")

_BUFFERED_BODIES = 64
"""Bodies of the largest size that may be in the making at the same time, over all connections."""


class Role(enum.Enum):
    """What a process does."""

    COLLECT = "collect"
    DELIVER = "deliver"


class _Server(uvicorn.Server):
    """Uvicorn's server; signals only ask it to stop, they are not raised again, so that the exit status is 0."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.serving = asyncio.Event()
        """Set once requests are taken."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to take requests."""
        await super().startup(sockets=sockets)
        self.serving.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        yield

    def stop(self) -> None:
        """Stop cleanly; asked a second time, without waiting for anybody."""
        self.force_exit = self.should_exit
        self.should_exit = True


def run(
    config: Config,
    listener: socket.socket | None,
    address: str,
    *,
    roles: frozenset[Role],
    parent: int | None = None,
) -> int:
    """Run the roles until told to stop, or until the process `parent` is gone; return the exit status."""
    log = hub.open_log(config)
    surroundings.show(surroundings.Surroundings(config=config, log=log))
    try:
        housekeeping = Housekeeping(config, log) if Role.DELIVER in roles else None
        if housekeeping:
            housekeeping.start()
        try:
            if listener is not None:
                live.show(_live(config, log, address))
                with asyncio.Runner(loop_factory=fast_loop()) as runner:
                    runner.run(_collect(config, log, listener, parent, housekeeping))
            elif housekeeping:
                housekeeping.follow_rows()
                housekeeping.wait_for_signal(parent)
        finally:
            if housekeeping:
                housekeeping.stop(config.shutdown_grace_s)
    finally:
        surroundings.show(None)
        log.close()
    return 0


async def _collect(
    config: Config,
    log: Log,
    listener: socket.socket,
    parent: int | None,
    housekeeping: Housekeeping | None,
) -> None:
    addresses = ClientAddress(config.trusted_proxies)
    gate = Gate()
    source = hub.build_sources(config, django_users=SiteUsers(gate.problem))
    collector = Collector(
        source,
        hub.build_pipeline(config, log),
        addresses=addresses,
        body_limit=config.limits.body_bytes,
        buffers=Buffers(config.limits.body_bytes * _BUFFERED_BODIES),
    )
    readiness, numbers = Readiness(), Numbers(config, log)
    readiness.add_check("site", gate.problem)
    readiness.add_check("log", lambda: hub.log_problem(log))
    front = Front(
        collects=source.handles,
        collector=collector,
        probes=probes(readiness, numbers.exposition, hub.version()),
        site=gate,
        addresses=addresses,
    )
    server = _Server(_uvicorn_config(config, front, collector, source.handles))
    gate.start(after=server.serving)
    background = [
        asyncio.create_task(_keep_watch(server, readiness, parent)),
        asyncio.create_task(numbers.keep_writing()),
        asyncio.create_task(_report_start(gate)),
        asyncio.create_task(_follow_rows(housekeeping, server.serving)),
    ]
    await server.serve(sockets=[listener])
    for task in background:
        task.cancel()
    await asyncio.gather(*background, return_exceptions=True)


def _live(config: Config, log: Log, address: str) -> live.Live:
    return live.Live(
        log=log,
        destinations=tuple(config.destinations),
        login_file=Path(config.data_dir) / "run" / "login",
        curl=hub.example_curl(config, address),
        attempts=_kept_attempts(config),
    )


def _kept_attempts(config: Config) -> Callable[[], AttemptStore | None]:
    """Return what opens the attempts once there are any, for reading: another process may write them."""
    opened: list[AttemptStore] = []

    def kept() -> AttemptStore | None:
        if not opened and (found := hub.kept_attempts(config)) is not None:
            opened.append(found)
        return opened[0] if opened else None

    return kept


def _uvicorn_config(
    config: Config, front: Front, collector: Collector, collects: Callable[[str], bool]
) -> uvicorn.Config:
    protocol = type(
        "ConfiguredConnection",
        (Connection,),
        {
            "collector": collector,
            "collects": staticmethod(collects),
            "heads": KnownHeads(),
            "most_connections": config.limits.connections,
            "request_s": config.limits.request_s,
            "idle_s": config.limits.idle_s,
        },
    )
    return uvicorn.Config(
        front,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=int(config.limits.idle_s),
        timeout_graceful_shutdown=max(1, int(config.shutdown_grace_s)),
    )


async def _keep_watch(server: _Server, readiness: Readiness, parent: int | None) -> None:
    """Once a second, also while the server stops: close connections whose request does not come."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(1)
        if parent is not None and os.getppid() != parent:  # killed: nobody else would stop this process
            server.should_exit = True
        readiness.stopping = server.should_exit
        catalogue.CONNECTIONS.set(len(server.server_state.connections))
        now = loop.time()
        for connection in list(server.server_state.connections):
            if isinstance(connection, Connection):
                connection.close_if_late(now)


async def _follow_rows(housekeeping: Housekeeping | None, serving: asyncio.Event) -> None:
    await serving.wait()
    if housekeeping is not None:
        housekeeping.follow_rows()


async def _report_start(gate: Gate) -> None:
    try:
        await gate.started()
    except Exception:  # the console is not worth losing events for: collecting goes on without it
        logger.exception("The console could not start; events are collected all the same")
    gc.collect()
    gc.freeze()  # what stands now stays: later collections need not look at it
    logger.debug("The console stands since %s", datetime.now(UTC).isoformat())
