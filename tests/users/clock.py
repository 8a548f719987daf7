"""A clock that stands still until it is told to go on."""


class Clock:
    """Counts seconds, like `time.monotonic`."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """Return the time it shows, in seconds."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
