"""When something happened, by the server's clock, told from what a client with its own clock says.

The rule is `received - (sent - original)`: Segment's (common fields, documentation of 2025-11) and the one
of AppRTC's analytics page. It assumes that sending took no time; the network's delay makes events that late.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from msgspec import Struct

FIRST_YEAR = 1970
LAST_YEAR = 2100
"""A time outside of these years is a mistake; the bound also keeps the arithmetic from overflowing."""
SKEW_TOLERANCE = timedelta(seconds=2)
"""Up to this a difference between two clocks is ordinary and not worth a flag."""


class Flag(StrEnum):
    """What is doubtful about a timestamp; kept with the event."""

    NAIVE = "naive"
    """A time had no zone and was read as UTC."""
    UNPARSABLE = "unparsable"
    """The time of the event could not be read, or is out of bounds; the time of receipt stands in for it."""
    NO_SENT_AT = "no_sent_at"
    """Nothing readable said when the client sent: the time of the event is the client's, not corrected."""
    FUTURE = "future"
    """The corrected time was later than the receipt and was set back to it."""
    SKEW_SUSPECT = "skew_suspect"
    """The skew may hold time spent waiting: a retry, or a library that sets `sentAt` long before it sends."""
    ALREADY_CORRECTED = "already_corrected"
    """A server before us corrected the time; it was kept."""


_Flags = tuple[str, ...]
_NO_TIME = timedelta(0)
_MILLISECOND = timedelta(milliseconds=1)
_NAIVE: _Flags = (Flag.NAIVE.value,)
_UNPARSABLE: _Flags = (Flag.UNPARSABLE.value,)
_NO_SENT_AT: _Flags = (Flag.NO_SENT_AT.value,)
_FUTURE: _Flags = (Flag.FUTURE.value,)
_SKEW_SUSPECT: _Flags = (Flag.SKEW_SUSPECT.value,)
_ALREADY_CORRECTED: _Flags = (Flag.ALREADY_CORRECTED.value,)


class Correction(Struct, frozen=True, gc=False):
    """When an event happened by the server's clock, and what that was told from."""

    timestamp: datetime
    """Aware, UTC, never later than the receipt."""
    skew_ms: int | None
    """How far the client's clock seemed behind ours: received - sent; None where it did not say."""
    flags: tuple[str, ...]
    """Values of `Flag`."""


def parse_timestamp(text: str) -> datetime | None:
    """Return the moment `text` names, in UTC, or None where it names none between 1970 and 2100.

    Reads what the SDKs send: ISO 8601 with `Z` or an offset, fractions of any length (cut to microseconds).
    A time without zone is UTC.
    """
    moment = _parse(text)
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def correct(
    original: datetime | None, sent: datetime | None, received: datetime, *, suspect: bool = False
) -> Correction:
    """Return when something happened by our clock: received - (sent - original), never later than `received`.

    Without `sent` the original stands as it is; without `original`, `received` does. All are aware. `suspect`
    tells that `sent` may have been stamped long before the sending; the correction is then flagged.
    """
    return ClientClock(received, sent, suspect=suspect).place(original)


class ClientClock:
    """How far one client's clock is from ours, told from one request and used for all of its events."""

    __slots__ = ("_delta", "_flags", "received_at", "skew_ms")

    def __init__(
        self, received_at: datetime, sent_at: str | datetime | None, *, suspect: bool = False
    ) -> None:
        """`sent_at` may be the client's own text; text that names no moment counts as none."""
        flags: _Flags = ()
        if isinstance(sent_at, str):
            sent_at = _parse(sent_at)
            if sent_at is not None and sent_at.tzinfo is None:
                sent_at = sent_at.replace(tzinfo=UTC)
                flags = _NAIVE
        self.received_at = received_at
        self.skew_ms: int | None
        if sent_at is None:
            self._delta = _NO_TIME
            self.skew_ms = None
            self._flags = _NO_SENT_AT
            return
        self._delta = delta = received_at - sent_at
        self.skew_ms = delta // _MILLISECOND
        # only a clock behind ours can be mistaken for waiting
        self._flags = flags + _SKEW_SUSPECT if suspect and delta > SKEW_TOLERANCE else flags

    def suspected(self) -> "ClientClock":
        """Return the same clock, known to have been read long before the sending."""
        other = ClientClock(self.received_at, self.received_at - self._delta, suspect=True)
        other._flags = self._flags + _SKEW_SUSPECT
        return other

    @property
    def looks_late(self) -> bool:
        """Whether the skew is large enough that a stale `sentAt` would matter."""
        return self._delta > SKEW_TOLERANCE

    def correct(self, original: str | None) -> Correction:
        """Return when an event happened whose client says `original`; the receipt if that is unreadable."""
        if original is None:
            return Correction(self.received_at, self.skew_ms, ())
        moment = _parse(original)
        if moment is None:
            return Correction(self.received_at, self.skew_ms, _UNPARSABLE)
        if moment.tzinfo is None:
            flags = self._flags
            return self._place(moment.replace(tzinfo=UTC), flags if Flag.NAIVE in flags else flags + _NAIVE)
        return self._place(moment, self._flags)

    def place(self, original: datetime | None) -> Correction:
        """Return when an event happened that the client's clock saw at `original`."""
        if original is None:
            return Correction(self.received_at, self.skew_ms, ())
        return self._place(original, self._flags)

    def _place(self, original: datetime, flags: _Flags) -> Correction:
        corrected = original + self._delta
        if corrected > self.received_at:
            return Correction(self.received_at, self.skew_ms, flags + _FUTURE)
        return Correction(corrected, self.skew_ms, flags)


def keep_corrected(timestamp: str, received_at: datetime) -> Correction:
    """Return `timestamp` as a server before us corrected it, but never later than `received_at`."""
    clock = ClientClock(received_at, None)
    correction = clock.correct(timestamp)
    flags = tuple(flag for flag in correction.flags if flag != Flag.NO_SENT_AT)
    return Correction(correction.timestamp, None, flags + _ALREADY_CORRECTED)


def _parse(text: str) -> datetime | None:
    """Return the moment in UTC; naive where the text has no zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        return None
    zone = moment.tzinfo
    return moment if zone is UTC or zone is None else moment.astimezone(UTC)
