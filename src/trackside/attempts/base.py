"""What is kept of the attempts of webhooks: what was sent, what was answered, and the two contracts around it.

Destinations know the recorder alone; whoever shows attempts knows the store alone.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop  # who only asks for help must not wait for it

Outcome = Literal["delivered", "failed", "refused", "gone", "not_asked", "unknown"]
"""`unknown`: it was sent, and the process ended before it knew what came of it."""
OUTCOMES: Final[tuple[Outcome, ...]] = ("delivered", "failed", "refused", "gone", "not_asked", "unknown")
StatusClass = Literal["2xx", "3xx", "4xx", "5xx", "none"]
"""`none`: nothing was answered."""
STATUS_CLASSES: Final[tuple[StatusClass, ...]] = ("2xx", "3xx", "4xx", "5xx", "none")
Headers = Sequence[tuple[str, str]]

BODY_BYTES: Final = 65_536
"""So much of a body is kept."""
PAGE: Final = 50


class Sending(Struct, frozen=True, kw_only=True, gc=False):
    """An attempt as it is known before it is made. Its headers hold no secret any more."""

    position: int
    event_id: str
    event_name: str
    number: int
    """1 for the event's first attempt."""
    began_us: int
    """Microseconds since 1970, UTC."""
    method: str
    url: str
    headers: Headers
    body: bytes
    """The bytes that are sent, as they are sent."""


class Ending(Struct, frozen=True, kw_only=True, gc=False):
    """What came of an attempt."""

    outcome: Outcome
    duration_s: float
    status: int | None = None
    """Of HTTP; None where nothing was answered."""
    fault: str | None = None
    """Why nothing was answered: `timeout`, `tls_error`, …"""
    reason: str | None = None
    """One sentence for people, where it was not delivered."""
    headers: Headers = ()
    body: bytes = b""
    truncated: bool = False
    """Whether there was more of the body than was read."""


class Attempt(Struct, frozen=True, kw_only=True, gc=False):
    """One request of a webhook, and its answer."""

    destination: str
    position: int
    event_id: str
    event_name: str
    number: int
    """1 for the event's first attempt."""
    began_at: datetime
    duration_s: float
    outcome: Outcome
    status: int | None
    fault: str | None
    reason: str | None
    method: str
    url: str
    """With the values of its query replaced."""
    request_headers: Headers
    """Values that are secret are replaced; those of the signature are as they were sent."""
    request_body: bytes
    """Its first `BODY_BYTES`; empty where bodies are not kept."""
    request_bytes: int
    """How long the body was."""
    response_headers: Headers
    response_body: bytes
    """As far as it was read; empty where bodies are not kept."""
    response_bytes: int
    """How much of the body was read."""
    truncated: bool
    """Whether there was more of the answer's body."""

    @property
    def failed(self) -> bool:
        """Whether the event was not delivered by this attempt."""
        return self.outcome != "delivered"

    @property
    def status_class(self) -> StatusClass:
        """Which of the classes its status is in."""
        return status_class(self.status)


class StoredAttempt(Struct, frozen=True, gc=False):
    """An attempt and its number in the store; newer ones have greater numbers."""

    id: int
    attempt: Attempt


class Query(Struct, frozen=True, kw_only=True):
    """Which attempts are asked for: those for which everything that is given holds."""

    destination: str | None = None
    failed: bool = False
    """True: only those that did not deliver."""
    status: StatusClass | None = None
    event_id: str | None = None
    position: int | None = None
    since: datetime | None = None
    """Only those that began then or later."""
    until: datetime | None = None
    """Only those that began before."""

    def matches(self, attempt: Attempt) -> bool:
        """Return whether this attempt is asked for."""
        return (
            (self.destination is None or attempt.destination == self.destination)
            and not (self.failed and not attempt.failed)
            and (self.status is None or attempt.status_class == self.status)
            and (self.event_id is None or attempt.event_id == self.event_id)
            and (self.position is None or attempt.position == self.position)
            and (self.since is None or attempt.began_at >= self.since)
            and (self.until is None or attempt.began_at < self.until)
        )


class AttemptPage(Struct, frozen=True):
    """Attempts, newest first. `before` is where the next page goes on; None where there is nothing behind."""

    attempts: Sequence[StoredAttempt]
    before: int | None


class Recorder(Protocol):
    """Takes down what one destination sends. Never waits for anything, never raises."""

    def gather(self, loop: "AbstractEventLoop") -> None:
        """Note from now on once a turn of that loop, in whose thread everything is called: for less time each.

        What was noted counts, with all that `begin` says, once the loop runs what is scheduled next.
        """
        ...

    def begin(self, sending: Sending) -> int | None:
        """Note, before it is sent, what is about to be sent; return its key for `end`.

        From here on it is not forgotten even if the process is killed. None where there is no room: then nothing is
        kept of this attempt, which is counted.
        """
        ...

    def end(self, key: int | None, ending: Ending) -> None:
        """Note what came of it; with None, do nothing."""
        ...


class AttemptStore(Protocol):
    """The attempts that are kept. Usable from any thread and process."""

    def page(self, query: Query, *, before: int | None = None, limit: int = PAGE) -> AttemptPage:
        """Return attempts that are asked for, newest first, those with ids below `before`."""
        ...

    def find(self, id: int) -> Attempt | None:  # noqa: A002  # the word for it
        """Return the attempt of this id, or None where there is none (any more)."""
        ...

    def empty_bodies(self, event_ids: Collection[str]) -> int:
        """Empty what attempts of these events sent and were answered; return how many had something.

        When, where to and with which status stays.
        """
        ...

    def scrub(self) -> bool:
        """Leave nothing in the files of what was emptied or removed; False where somebody else reads for too long."""
        ...

    def maintain(self, now: datetime) -> int:
        """Take in what killed processes left, remove what is too old or too much; return how many were removed.

        In short steps, while others write.
        """
        ...


class Attempts(AttemptStore, Protocol):
    """A store that also takes in."""

    def start(self) -> None:
        """Make ready to take in, in this process; not before a fork."""
        ...

    def recorder(self, destination: str) -> Recorder:
        """Return what the destination of this name calls. It may be called before `start`, and used after it."""
        ...

    def close(self) -> None:
        """Keep what was taken in. A second call does nothing."""
        ...


def status_class(status: int | None) -> StatusClass:
    """Return which class a status is in; one of no known class says no more than none."""
    if status is None or not 200 <= status < 600:
        return "none"
    return STATUS_CLASSES[status // 100 - 2]
