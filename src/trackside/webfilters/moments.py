"""The clocks and the chance of webfilters, in one place so that a test can turn them."""

import os
import random as standard_random
import time
from collections.abc import Callable
from datetime import UTC, datetime

from msgspec import Struct


class Moments(Struct, frozen=True, kw_only=True):
    """What differs from one moment to the next."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    random: Callable[[], float] = standard_random.random
    new_id: Callable[[], str] = lambda: os.urandom(16).hex()
