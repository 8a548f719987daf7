"""Several processes on one port and one data directory: starts them, starts those that die again, stops them all."""

import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable

from trackside.config.settings import Config
from trackside.server import process
from trackside.server.process import Role

logger = logging.getLogger("trackside.server")

_SHORT_LIFE_S = 5.0
_POLL_S = 0.1
DELIVERY = "delivery"


def run(config: Config, listener: socket.socket, address: str) -> int:
    """Run `config.workers` collecting processes and a delivering one until told to stop."""
    parent = os.getpid()

    def job(role: Role) -> Callable[[], int]:
        port = listener if role is Role.COLLECT else None
        return lambda: process.run(config, port, address, roles=frozenset({role}), parent=parent)

    jobs = {f"collector {number}": job(Role.COLLECT) for number in range(1, config.workers + 1)}
    jobs[DELIVERY] = job(Role.DELIVER)
    return _Supervisor(jobs, grace_s=config.shutdown_grace_s).run()


class _Supervisor:
    """Keeps a process alive for each job. It has no threads, so that forking is safe at any moment."""

    def __init__(self, jobs: dict[str, Callable[[], int]], *, grace_s: float) -> None:
        self._jobs = jobs
        self._grace_s = grace_s
        self._running: dict[int, tuple[str, float]] = {}
        self._not_before: dict[str, float] = {}
        self._stopping = False

    def run(self) -> int:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        while not self._stopping:
            alive = {job for job, _ in self._running.values()}
            for job in self._jobs:
                if job not in alive and time.monotonic() >= self._not_before.get(job, 0):
                    self._start(job)
            self._reap()
            time.sleep(_POLL_S)
        return self._finish()

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _start(self, job: str) -> None:
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                for number in (signal.SIGINT, signal.SIGTERM):
                    signal.signal(number, signal.SIG_DFL)
                status = self._jobs[job]()
            except BaseException:
                logger.exception("The process failed", extra={"job": job})
            finally:
                os._exit(status)
        self._running[pid] = (job, time.monotonic())

    def _reap(self) -> None:
        while self._running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            job, started = self._running.pop(pid, ("", 0.0))
            if self._stopping or not job:
                continue
            lived_s = time.monotonic() - started
            wait_s = 0.0 if lived_s > _SHORT_LIFE_S else 1.0
            self._not_before[job] = time.monotonic() + wait_s
            code = os.waitstatus_to_exitcode(status)
            logger.error(
                "The %s process ended with status %d after %.1f s; starting it again", job, code, lived_s
            )

    def _finish(self) -> int:
        # delivery stops last: what the collectors still took in goes on with it
        for last in (False, True):
            self._stop_jobs([pid for pid, (job, _) in self._running.items() if (job == DELIVERY) is last])
        return 0

    def _stop_jobs(self, pids: list[int]) -> None:
        deadline = time.monotonic() + self._grace_s + 5.0
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
        while self._running.keys() & set(pids) and time.monotonic() < deadline:
            self._reap()
            time.sleep(_POLL_S / 2)
        for pid in self._running.keys() & set(pids):
            logger.error("Process %d did not stop in time and is killed", pid)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            del self._running[pid]
