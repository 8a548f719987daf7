"""The request of one batch."""

import asyncio
import zlib
from typing import Final

from trackside.destinations.http.batch import Batch
from trackside.destinations.http.settings import IDEMPOTENCY_KEY, HttpSettings
from trackside.outbound.base import Outgoing
from trackside.outbound.signing import Signer

CONTENT_TYPE: Final = "application/x-ndjson"
COMPRESSED_FROM_BYTES: Final = 1_024
_GZIP: Final = 31


class Requests:
    """Makes requests as the settings of one destination say."""

    def __init__(self, settings: HttpSettings, *, user_agent: str) -> None:
        """Raises ConfigurationError for a secret that is none."""
        self._settings = settings
        self._signer = Signer(settings.secrets) if settings.secrets else None
        self._headers = (("User-Agent", user_agent), ("Content-Type", CONTENT_TYPE))

    async def make(self, batch: Batch, *, at_s: int) -> Outgoing:
        """Return the request that is made at `at_s` (seconds since 1970, UTC); compressing is done in a thread."""
        body = batch.body
        key = batch.key
        headers = [*self._headers, (IDEMPOTENCY_KEY, key)]
        if self._settings.gzip and len(body) >= COMPRESSED_FROM_BYTES:
            headers.append(("Content-Encoding", "gzip"))
            body = await asyncio.to_thread(zlib.compress, body, 1, _GZIP)
        if self._signer is not None:
            headers += self._signer.headers(key, body, at_s=at_s)
        return Outgoing(
            url=self._settings.url, body=body, headers=headers, timeout_s=self._settings.timeout_s
        )
