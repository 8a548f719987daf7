"""What Segment's servers are answered."""

import json
from typing import Final

from trackside.sources.base import Reply

TAKEN: Final = Reply(status=200, content_type=b"text/html; charset=utf-8")
"""Also where nothing was taken: whoever got hold of the key is told nothing."""
UNAUTHORIZED: Final = Reply(status=401, content_type=b"text/html; charset=utf-8")
INVALID_JSON: Final = Reply(status=400, body=b'{"error": "Invalid JSON"}')
NOT_A_POST: Final = Reply(
    status=405, content_type=b"text/html; charset=utf-8", headers=((b"allow", b"POST, PUT, PATCH"),)
)


def told(status: int, message: str | None = None, *, committed: bool = False) -> Reply:
    """Return an answer of 2014: whether the event was kept, and why not."""
    said: dict[str, object] = {"committed": committed}
    if message is not None:
        said["message"] = message
    return Reply(status=status, body=json.dumps(said, indent=2).encode())


COMMITTED: Final = told(200, committed=True)
