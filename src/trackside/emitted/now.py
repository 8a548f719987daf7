"""The short way of an event that happens now to a backend that takes it in parts: no dict is made of it."""

from collections.abc import Callable
from typing import Any, TypeVar

Send = TypeVar("Send", bound=Callable[..., None])

SENDS_BESIDE_NOW: set[Any] = set()
"""Every `send` that `also_now` was said of."""


def also_now(send: Send) -> Send:
    """Promise that the method `send_now(name, data, context) -> bool` beside this `send` does the same.

    It takes an event of these parts and the time of now; or it returns False, with nothing done, to get that event
    by `send`. The promise is the function's: a class that overrides `send`, and a test that replaces it, get every
    event by what they put there.
    """
    SENDS_BESIDE_NOW.add(send)
    return send
