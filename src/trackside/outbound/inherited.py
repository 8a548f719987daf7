"""What a child process has of its parent and must not touch."""

import ctypes


def never_free(*things: object) -> None:
    """Let these be until the process is gone: freeing them would end sessions that the parent is still using."""
    for thing in things:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))
