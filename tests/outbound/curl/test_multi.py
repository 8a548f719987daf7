"""The driver of curl's sockets."""

import select
import socket

import pytest

from tests.outbound.conftest import HERE

pytest.importorskip("pycurl")

from trackside.outbound.curl.multi import KNOWN_TLS, Multi
from trackside.outbound.curl.options import curl_options
from trackside.outbound.tls import MACHINE_S, TlsFiles


class _Closing:
    """An epoll that says a socket has something to say, which is closed before anybody looks."""

    def __init__(self, epoll: select.epoll, gone: socket.socket) -> None:
        self._epoll = epoll
        self._gone = gone

    def poll(self, *_: object) -> list[tuple[int, int]]:
        fd = self._gone.fileno()
        self._gone.close()
        return [(fd, select.EPOLLIN)]

    def unregister(self, fd: int) -> None:
        self._epoll.unregister(fd)

    def close(self) -> None:
        self._epoll.close()


def test_a_socket_that_was_closed_in_the_same_turn_holds_up_nobody() -> None:
    """One event of a turn may close the connection that another of its events is about."""
    options = curl_options(policy=HERE, tls=MACHINE_S, proxy=None, keepalive_s=1, user_agent="x")
    multi = Multi(options, lambda _: None)
    ours, theirs = socket.socketpair()
    multi.epoll.register(ours, select.EPOLLIN)
    multi._at_rest.add(ours.fileno())
    multi.epoll = _Closing(multi.epoll, ours)  # type: ignore[assignment]
    assert multi.turn() == []
    multi.close()
    theirs.close()


def test_handles_of_files_that_nobody_names_any_more_are_let_go() -> None:
    """Settings may be changed for as long as a process lives."""
    options = curl_options(policy=HERE, tls=MACHINE_S, proxy=None, keepalive_s=1, user_agent="x")
    multi = Multi(options, lambda _: None)
    files = [TlsFiles(ca_file=f"/{number}.pem") for number in range(KNOWN_TLS + 10)]
    handles = [multi.take(each) for each in files]
    for each in handles:
        multi.give_back(each)
    assert len(multi._idle_with) <= KNOWN_TLS
    assert multi.take(files[-1]) is handles[-1]
    assert multi.take(files[0]) is not handles[0]
    multi.close()
