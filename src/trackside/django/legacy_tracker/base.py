"""What a backend of TRACKING_BACKENDS is derived from."""

from abc import ABC, abstractmethod
from typing import Any


class BaseBackend(ABC):
    """Receives events of the legacy tracker, one by one."""

    def __init__(self, **options: Any) -> None:
        """`options` are what the settings have under OPTIONS."""
        self.options = options

    @abstractmethod
    def send(self, event: Any) -> None:
        """Take `event`, a dict such as a line of the tracking log holds."""
