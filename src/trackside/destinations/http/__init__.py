"""Events in batches of JSON Lines, posted to any URL.

destination  open, send: what the delivery worker calls, and what becomes of a batch that is not taken whole
batch        events → lines → batches, within the limits
requests     batch → request: compressed, signed, with a key that is the same when it is sent again

What it shares with other destinations that have a URL stands beside this folder: answers, breaker, connecting,
endpoint.
"""

from trackside.destinations.http.destination import Http
from trackside.destinations.http.settings import HttpSettings

__all__ = ["Http", "HttpSettings"]
