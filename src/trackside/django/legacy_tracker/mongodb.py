"""Events of the legacy tracker as documents of a MongoDB collection."""

from typing import Any

from trackside.backends import mongodb
from trackside.django.legacy_tracker.base import BaseBackend


class MongoBackend(BaseBackend):
    """Inserts each event into a collection, as `trackside.backends.mongodb.MongoBackend` does."""

    def __init__(self, **options: Any) -> None:
        """`options` are those of the backend it stands for; `database` is `track` by default."""
        super().__init__(**options)
        self.backend = mongodb.MongoBackend(**{"database": "track", **options})

    def send(self, event: Any) -> None:
        """Hand `event` over to be inserted."""
        self.backend.send(event)
