"""Keeps a share of the events, always the same people's or sessions'."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

from trackside.emitted import EmittedEvent
from trackside.errors import ConfigurationError
from trackside.event import NameFilter
from trackside.processors.exceptions import SampledOut

_BUCKETS = 1 << 64


class SamplingProcessor:
    """Lets the share `rate` (0 to 1) of all values of one field through, each always with all of its events.

    The choice depends on the value and `salt` alone, so that processes, machines and restarts agree, and a
    greater rate keeps whoever a smaller one kept. Events in which the field is missing or empty go on.
    """

    mutates = False

    def __init__(
        self,
        rate: float,
        key: str = "context.user_id",
        names: Iterable[str] = ("*",),
        salt: str = "",
    ) -> None:
        """`key` is the path of the field, `names` the globs of the events to sample; others go on."""
        if not 0 <= rate <= 1:
            raise ConfigurationError(f"rate is {rate!r}; want a number from 0 to 1")
        self.rate = rate
        self._path = tuple(key.split("."))
        self._names = NameFilter([names] if isinstance(names, str) else names)
        self._salt = blake2b(salt.encode(), digest_size=16).digest()

    def __call__(self, event: EmittedEvent) -> EmittedEvent:
        """Return `event` where its person or session is among those kept; SampledOut otherwise."""
        if not self._names.matches(str(event.get("name"))):
            return event
        value = _found(event, self._path)
        if value in (None, "") or self._place(str(value)) < self.rate:
            return event
        raise SampledOut

    def _place(self, value: str) -> float:
        """Return a number from 0 to 1, evenly spread over values."""
        digest = blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8, key=self._salt).digest()
        return int.from_bytes(digest) / _BUCKETS


def _found(event: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        if not isinstance(event, dict):
            return None
        event = event.get(step)
    return event
