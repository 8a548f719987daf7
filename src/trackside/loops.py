"""The event loop that is used where we make one."""

import asyncio
from collections.abc import Callable


def fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes a loop on libuv, where uvloop is installed; None: the standard library's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.Loop
