"""The lock between relays: kept by one, given back when its process ends, however it ends."""

import os
import signal
import threading

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper

from trackside.django.outbox.locks import lock_for


def holds(connection: BaseDatabaseWrapper) -> bool:
    """Return whether a relay would get the lock now, on a connection of its own."""
    other = connection.copy()
    try:
        with lock_for(other)(other) as held:
            return held
    finally:
        other.close()


def test_one_at_a_time(connection: BaseDatabaseWrapper) -> None:
    if connection.vendor != "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM trackside_outbox_lock")  # as in the beginning
    own = connection.copy()
    with lock_for(own)(own) as held:
        assert held
        assert not holds(connection)
        answers: list[bool] = []
        thread = threading.Thread(target=lambda: answers.append(holds(connection.copy())))
        thread.start()
        thread.join()
        assert answers == [False]
    assert holds(connection)
    own.close()


def test_it_is_given_back_after_an_exception(connection: BaseDatabaseWrapper) -> None:
    own = connection.copy()
    with pytest.raises(ZeroDivisionError), lock_for(own)(own):
        raise ZeroDivisionError
    assert holds(connection)
    own.close()


def test_it_is_given_back_by_a_process_that_is_killed(connection: BaseDatabaseWrapper) -> None:
    connection.close()
    read_end, write_end = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            own = connection.copy()
            with lock_for(own)(own) as held:
                os.write(write_end, b"y" if held else b"n")
                signal.pause()
        finally:
            os._exit(1)
    assert os.read(read_end, 1) == b"y"
    assert not holds(connection)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    deadline = threading.Event()
    for _ in range(1_000):
        if holds(connection):
            break
        deadline.wait(0.005)  # the server has to notice
    else:
        raise AssertionError("the lock was not given back")
    os.close(read_end)
    os.close(write_end)
