"""What a browser is told where its request is no event."""


class Refused(Exception):  # noqa: N818  # named as what the browser is told
    """A request is no event; the message goes to whoever sent it."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
